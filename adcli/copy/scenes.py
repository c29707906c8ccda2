"""Where a product is used: words such as `hair` and `sofa` belong to scenes, and an ad may use its own.

A product belongs to the scenes that its title and category name.

    >>> sorted(scenes_of("Famous Wheel Pizza Cutter, Kitchen Tools"))
    ['kitchen']
"""

from __future__ import annotations

from adcli.copy.wording import stem, words


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in text.split())


_NAMED_BY: dict[str, frozenset[str]] = {
    "home": _stems("""
        home decor furnishing furniture showpiece curtain cushion bed bedsheet bedding blanket quilt comforter
        dohar sticker lamp light lighting rug carpet dhurrie clock painting poster wallpaper wall vase
        figurine idol statue pillow sofa mattress lantern candle candlestick plant garden hanging frame
        doormat mat towel table door holder ornament decoration
    """),
    "kitchen": _stems("""
        kitchen dining cookware tableware mug cup bottle glass pan pot kadhai wok tawa cutter knife spoon fork
        plate bowl juicer grater jug casserole cooker coaster tea coffee food sipper opener corkscrew
        container lunch napkin cake
    """),
    "fashion": _stems("""
        wear apparel clothing clothes dress shirt t-shirt trouser jeans skirt top blazer jacket coat legging
        kurta kurti saree short shorts sleepsuit shoe boot sneaker sandal sock hat cap scarf bag backpack
        wallet belt watch jewellery jewelry ring necklace earring bracelet fashion sweater blouse knit gown
        shrug romper bodysuit 裙 上衣 裤 鞋
    """),
    "garment": _stems("""
        dress shirt t-shirt trouser jeans skirt blazer jacket coat legging kurta kurti saree short shorts
        sweater blouse gown shrug romper bodysuit sleepsuit pyjama suit
    """),
    "beauty": _stems("""
        beauty care skin hair lip face makeup fragrance deodorant perfume shampoo conditioner cream soap
        lotion oil sunscreen bleach cosmetic nail manicure grooming bath massage body spray serum loofah
        mascara
    """),
    "tech": _stems("""
        computer laptop phone mobile usb router network battery adapter charger cable hub keyboard mouse
        speaker camera tablet printer toner drive memory ram sdram bluetooth wireless wi-fi electronic modem
        headphone earphone
    """),
    "baby": _stems("baby infant toddler kid child nursery diaper nappy newborn toy boy girl"),
    "bath": _stems("bath towel soap shower bathroom loofah"),
    "footwear": _stems("shoe boot sneaker sandal sock slipper footwear mat"),
    "outdoor": _stems("""
        outdoor hiking camping trail sport fitness gym yoga bicycle bike running tent swim pool travel trek
    """),
    "jewellery": _stems("jewellery jewelry ring necklace earring bracelet gold silver pendant"),
    "car": _stems("car automotive vehicle motorcycle"),
    "pet": _stems("dog cat pet puppy kitten"),
    "watch": _stems("watch"),
    "storage": _stems("""
        box pouch case organizer organiser basket bin rack storage wallet backpack handbag purse trunk
    """),
    "ornament": _stems("showpiece figurine idol statue vase clock candle lantern plant frame"),
    "seating": _stems("cushion sofa couch throw blanket quilt comforter dohar pillow chair seat"),
    "bedding": _stems("""
        bed bedsheet bedding blanket quilt comforter dohar duvet pillow mattress lamp night sleepsuit pyjama
        sleepwear
    """),
    "flooring": _stems("carpet rug dhurrie mat lamp floor runner"),
    "walls": _stems("wall sticker painting poster clock hanging wallpaper shelf light frame mirror decal"),
    "office": _stems("office desk stationery pen pencil notebook paper printer toner book"),
}
_WORDS_OF: dict[str, str] = {
    "wardrobe outfit attire closet fashionable": "fashion jewellery watch",
    "clothes dress garment wear shirt jeans shoe skirt wearing": "fashion baby",
    "face lip makeup complexion cheek": "beauty",
    "hair curl ponytail scalp": "beauty",
    "skin": "beauty fashion baby bath",
    "foot feet toe ankle sole": "footwear",
    "fragrance scent perfume smell smelling": "beauty bath",
    "sofa couch": "seating",
    "bedroom bed pillow mattress": "bedding",
    "furniture curtain": "home",
    "wall": "walls",
    "shelf shelves": "ornament storage",
    "floor": "flooring",
    "door window": "home tech",
    "kitchen cooking cook meal dinner recipe breakfast lunch dish chef": "kitchen watch",
    "coffee tea drink beverage wine beer sip smoothie": "kitchen",
    "food pizza snack dessert": "kitchen baby",
    "laptop computer phone smartphone device internet wifi network screen connectivity": "tech office",
    "car driving vehicle motorcycle road": "car outdoor tech",
    "jewelry jewellery necklace earring bracelet jewel": "jewellery fashion beauty",
    "dog cat pet puppy": "pet",
    "hiking trail camping mountain gym workout": "outdoor fashion kitchen",
    "baby toddler infant newborn": "baby",
    "pool swim": "outdoor baby fashion",
    "bathroom shower bath": "bath beauty baby",
    "book novel music movie film song": "office tech",
    "doctor hospital medicine disease": "health",
}
_SCENES_OF_WORD: dict[str, frozenset[str]] = {
    stem(word): frozenset(scenes.split()) for spoken, scenes in _WORDS_OF.items() for word in spoken.split()
}


def scenes_of(text: str) -> frozenset[str]:
    """The scenes that `text` (title, category, kind of a product) names; empty if it names none."""
    stems = {stem(word) for word in (*words(text.replace("-", " ")), *text.lower().split())}
    return frozenset(scene for scene, named_by in _NAMED_BY.items() if stems & named_by)


def words_of(scenes: frozenset[str]) -> frozenset[str]:
    """The words (stems) that belong to these scenes: what a thing of theirs may be said to be used with."""
    named = frozenset().union(*(_NAMED_BY.get(scene, frozenset()) for scene in scenes))
    return named | {word for word, its in _SCENES_OF_WORD.items() if its & scenes}
