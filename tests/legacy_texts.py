"""What shops of many countries write (products, queries, cities), and the encodings they wrote it in."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

WORDS = {
    "French": "crème brûlée|café moulu|pâte à tartiner|robe d'été|château|écharpe en laine|bébé|vélo électrique|"
    "lave-linge à hublot|Orléans|Besançon|Saint-Étienne|cœur|maïs doux|où acheter|thé glacé|forêt noire|reçu",
    "German": "Größe|Käse|Möbel für Küche|Müsli|Straße|Köln|München|Gürtel|weiße Schürze|Bügeleisen|Tür|"
    "Wärmflasche|Jörg|Düsseldorf|Fußball|Hängematte|Öl|Äpfel",
    "Spanish": "camisón|niña|jabón|piñata|teléfono móvil|cafetera|Málaga|Cádiz|León|pantalón corto|sillón|muñeca|"
    "lámpara|champú|azúcar moreno|edredón|pingüino|¿dónde?",
    "Portuguese": "São Paulo|camisão|calção|coração|pão de queijo|avó|lençóis|bebê|tênis|Brasília|óculos|"
    "promoção|câmera|violão|sabão em pó|Goiânia|maçã|você",
    "Italian": "caffè|città|più|perché|Forlì|tè verde|qualità|lavabiancheria però|tiramisù|papà|novità|"
    "Cantù|menù|università|virtù|bontà|così|comò",
    "Swedish": "smörgåsbord|Malmö|Göteborg|köksbord|kläder|tröja|Västerås|ljusstake på fot|grädde|äpple|"
    "öl|blåbär|hörlurar|Umeå|strålkastare|Örebro|båt|mössa",
    "Danish": "smørrebrød|rødgrød|København|æbleskive|Århus|Ålborg|køkken|blåbær|trøje|børnetøj|hånd|"
    "brød|lædertaske|Sønderborg|fløde|øl|hætte|måne",
    "Finnish": "hyvää päivää|Jyväskylä|leipä|sänky|pöytä|työpöytä|kynttilä|mäyräkoira|hyllykkö|Hämeenlinna|"
    "kenkiä|äiti|yö|käsilaukku|Mäntsälä|peitto|hammastahna lääke|löyly",
    "Icelandic": "Reykjavík|íslenskur|lopapeysa þykk|brauð|mjólk|þvottavél|Akureyri|skór á tilboði|hestur|"
    "bækur|Egilsstaðir|kerti|fiskur úr sjó|smjör|ostur|það|öl|eldhúsborð",
    "Polish": "żółta sukienka|łóżko|Łódź|Kraków|buty męskie|książka|świeca|ręcznik|żel pod prysznic|dziewczęca|"
    "Gdańsk|Wrocław|ćwiczenia|piłka nożna|źródło|koszula|łyżka|zegar ścienny",
    "Czech": "žena|dětské boty|příliš žluťoučký kůň|Plzeň|České Budějovice|koláč|řetízek|košile|svíčka|"
    "ručník|polička|Děčín|tričko s límečkem|kuchyňský stůl|lžíce|šaty|čaj|hračky",
    "Slovak": "žena|ľúbostný|Košice|stôl|detské topánky|vankúš|sviečka|Žilina|košeľa|hračky pre psov|kôň|"
    "Prešov|čokoláda|mäkký|príbor|dáždnik|šaty|Piešťany",
    "Hungarian": "cipő|fehér asztalterítő|Győr|kávéfőző|Székesfehérvár|könyv|törülköző|gyertya|női táska|"
    "Pécs|űrhajó|hűtőszekrény|ágynemű|sütő|kenyér|tűzálló|bőr öv|édesség",
    "Croatian": "žuta haljina|čokolada|Šibenik|dječje cipele|ručnik|košulja|Đakovo|svijeća|kuća|knjiga|"
    "Čakovec|žlica|šešir|đak|noćna lampa|ključ|pčela|riža",
    "Romanian": "rochie neagră|pâine|fustă|lumânare|bucătărie|mănuşi|Iaşi|Bucureşti|cămaşă|înălţător|"
    "Braşov|Timişoara|apă plată|şosete|scaun de masă|ceaşcă|ţesătură|jucării",
    "Turkish": "ayakkabı|çocuk elbisesi|İstanbul|gömlek|kırmızı|şapka|Eskişehir|mutfak eşyası|yastık|"
    "çanta|Diyarbakır|güneş gözlüğü|ıhlamur|saç kurutma|bıçak|ev|Iğdır|kadın",
    "Lithuanian": "moteriški batai|žvakė|rankšluostis|šiauliai|Klaipėda|Panevėžys|žaislai|įrankiai|"
    "ąžuolas|lėkštė|šaukštas|vaikų drabužiai|Kėdainiai|čiužinys|knygų lentyna|ūkis|suknelė|pagalvė",
    "Latvian": "sieviešu apavi|svece|dvielis|Rīga|Liepāja|Jūrmala|rotaļlietas|šķīvis|karote|bērnu drēbes|"
    "Cēsis|matracis|grāmatu plaukts|kleita|spilvens ēna|ķirbis|ņemt|žakete",
    "Estonian": "jalgrattatõke|küünal|käterätik|Tartu|Pärnu|Võru|mänguasjad|kõrvits|lusikas|lastesärk|"
    "Jõgeva|šokolaad|raamaturiiul|kleit|padjapüür|õlu|söögilaud|köök",
    "Vietnamese": "áo sơ mi|giày nữ|Hà Nội|Đà Nẵng|quần jean|cà phê sữa|bánh mì|túi xách|đồng hồ|khăn tắm|"
    "nến thơm|đồ chơi trẻ em|gối ngủ|ghế ăn|nồi cơm điện|sách|tủ lạnh|Huế",
    "Russian": "женские туфли|Москва|свеча|полотенце|детская одежда|игрушки|платье|Нижний Новгород|подушка|"
    "стол кухонный|чай зелёный|книжная полка|рубашка|Казань|ложка|шоколад|ёлка|часы",
    "Ukrainian": "жіноче взуття|Київ|свічка|рушник|дитячий одяг|іграшки|сукня|Чернівці|подушка|стіл|чай|"
    "книжкова полиця|їжа|сорочка|ґудзик|ложка|Львів|годинник",
    "Bulgarian": "дамски обувки|София|свещ|кърпа|детски дрехи|играчки|рокля|Велико Търново|възглавница|"
    "маса за кухня|зелен чай|риза|лъжица|шоколад|часовник|Пловдив|ъгъл|юфка",
    "Greek": "γυναικεία παπούτσια|Αθήνα|κερί|πετσέτα|παιδικά ρούχα|παιχνίδια|φόρεμα|Θεσσαλονίκη|μαξιλάρι|"
    "τραπέζι|τσάι|βιβλιοθήκη|πουκάμισο|κουτάλι|σοκολάτα|Άρτα|ρολόι|Ηράκλειο",
    "Hebrew": "נעלי נשים|תל אביב|נר|מגבת|בגדי ילדים|צעצועים|שמלה|ירושלים|כרית|שולחן|תה ירוק|מדף ספרים|חולצה|"
    "כפית|שוקולד|חיפה|שעון|ספה",
    "Arabic": "أحذية نسائية|القاهرة|شمعة|منشفة|ملابس أطفال|ألعاب|فستان|الرياض|وسادة|طاولة|شاي أخضر|رف كتب|قميص|"
    "ملعقة|شوكولاتة|دبي|ساعة|حقيبة",
    "Thai": "รองเท้าผู้หญิง|กรุงเทพ|เทียน|ผ้าเช็ดตัว|เสื้อผ้าเด็ก|ของเล่น|ชุดเดรส|เชียงใหม่|หมอน|โต๊ะ|ชาเขียว|ชั้นหนังสือ|เสื้อเชิ้ต|ช้อน|"
    "ช็อกโกแลต|ภูเก็ต|นาฬิกา|กระเป๋า",
    "Japanese": "レディース靴|東京|キャンドル|タオル|子供服|おもちゃ|ワンピース|大阪市|枕カバー|机|緑茶|本棚|シャツ|スプーン|"
    "チョコレート|札幌|腕時計|冷蔵庫",
    "Korean": "여성 신발|서울|양초|수건|아동복|장난감|원피스|부산광역시|베개|식탁|녹차|책장|셔츠|숟가락|초콜릿|대전|손목시계|냉장고",
    "Chinese": "女士皮鞋|上海|香薰蜡烛|毛巾|儿童服装|玩具|连衣裙|广州市|枕头|餐桌|绿茶|书架|衬衫|勺子|巧克力|深圳|手表|冰箱",
    "Taiwanese": "女士皮鞋|台北|香薰蠟燭|毛巾|兒童服裝|玩具|連衣裙|高雄市|枕頭|餐桌|綠茶|書架|襯衫|湯匙|巧克力|臺中|手錶|冰箱",
}  # fmt: skip
"""Words of each language, few of them without a letter beyond ASCII."""

_WESTERN, _CENTRAL = ("cp1252", "iso8859-1", "iso8859-15", "cp850"), ("cp1250", "iso8859-2", "cp852")
_CYRILLIC = ("cp1251", "koi8_u", "iso8859-5", "cp866")
CODECS = {
    **dict.fromkeys(
        ("French", "German", "Spanish", "Portuguese", "Italian", "Swedish", "Danish", "Finnish", "Icelandic"),
        _WESTERN,
    ),
    **dict.fromkeys(("Polish", "Czech", "Slovak", "Hungarian", "Croatian", "Romanian"), _CENTRAL),
    "Turkish": ("cp1254", "iso8859-9"),
    **dict.fromkeys(("Lithuanian", "Latvian", "Estonian"), ("cp1257", "iso8859-13", "iso8859-4")),
    "Vietnamese": ("cp1258",),
    "Russian": (*_CYRILLIC, "mac_cyrillic"),
    "Ukrainian": ("cp1251", "koi8_u", "iso8859-5"),
    "Bulgarian": ("cp1251", "iso8859-5"),
    "Greek": ("cp1253", "iso8859-7"),
    "Hebrew": ("cp1255", "iso8859-8"),
    "Arabic": ("cp1256", "iso8859-6"),
    "Thai": ("cp874",),
    "Japanese": ("cp932", "euc_jp", "iso2022_jp"),
    "Korean": ("cp949", "euc_kr"),
    "Chinese": ("gb18030",),
    "Taiwanese": ("big5", "big5hkscs"),
}
SIZES = (1, 3, 10, 50, 200)
HEADER = "event_time,user_id,event_type,text\n"


class LegacyText(NamedTuple):
    """One made file: its language, its encoding, how many rows have letters beyond ASCII, text and bytes."""

    language: str
    codec: str
    size: int
    texts: list[str]
    data: bytes


def legacy_texts(sizes: tuple[int, ...] = SIZES, seed: int = 0) -> Iterator[LegacyText]:
    """A file of each language, encoding and size; one row in two has a text in plain ASCII."""
    for language, codecs in CODECS.items():
        for codec in codecs:
            for size in sizes:
                rng = random.Random(f"{language} {codec} {size} {seed}")
                yield _made(language, codec, size, rng)


def _made(language: str, codec: str, size: int, rng: random.Random) -> LegacyText:
    words = [word for word in WORDS[language].split("|") if not word.isascii() and _fits(word, codec)]
    texts = []
    for _ in range(size):
        picked = " ".join(rng.sample(words, 1 if size == 1 else rng.choice((1, 1, 2, 3))))
        texts += [picked if rng.random() < 0.6 else f"{picked} {rng.randint(2, 99)} XL", rng.choice(_PLAIN)]
    rows = "".join(f"2024-01-01,u{place},view,{text}\n" for place, text in enumerate(texts))
    return LegacyText(language, codec, size, texts, (HEADER + _as_written(rows, codec)).encode(codec))


_PLAIN = ("lamp", "iPhone 15 Pro", "USB-C cable 2 m", "desk", "Levi's 501", "t-shirt XL")


def _fits(word: str, codec: str) -> bool:
    try:
        return bool(_as_written(word, codec).encode(codec))
    except UnicodeEncodeError:
        return False


def _as_written(text: str, codec: str) -> str:
    """Text in the parts that Windows-1258 has: letters, and five tones that stand behind them."""
    if codec != "cp1258":
        return text
    import unicodedata

    tones = "\u0300\u0301\u0303\u0309\u0323"
    parts = unicodedata.normalize("NFD", text)
    made = ""
    for part in parts:
        made += part
        if part not in tones and unicodedata.combining(part):
            made = (
                made[:-2] + unicodedata.normalize("NFC", made[-2:])
                if made[-2] not in tones
                else (made[:-3] + unicodedata.normalize("NFC", made[-3] + part) + made[-2])
            )
    return made
