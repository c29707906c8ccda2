"""Small word lists, English and Chinese, that the checks of ads read: each is named in what it decides.

They are chosen for few false alarms, not for completeness: a word is here if it states something about a
product that can be true or false, or that advertising law asks proof of.
"""

from __future__ import annotations


def _listed(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


MATERIALS = _listed("""
    cotton polyester silk wool linen nylon leather suede denim velvet satin chiffon fleece cashmere lycra
    spandex viscose rayon acrylic jute bamboo canvas lace georgette microfiber microfibre polycotton
    wood teak oak pine mahogany rosewood sandalwood plywood mdf rattan
    steel brass copper aluminium aluminum iron titanium silver gold platinum bronze zinc alloy tungsten
    plastic rubber silicone vinyl pvc polypropylene polycarbonate resin foam latex
    ceramic porcelain glass marble granite clay terracotta stoneware crystal bone
    棉 纯棉 羊毛 羊绒 真丝 蚕丝 桑蚕丝 亚麻 涤纶 聚酯 聚酯纤维 尼龙 牛皮 羊皮 真皮 皮革 牛仔 雪纺 蕾丝 天鹅绒
    灯芯绒 实木 不锈钢 黄铜 陶瓷 玻璃 硅胶 塑料 竹
""")
"""Words for what a thing is made of (stems)."""

COLOURS = _listed("""
    red blue green yellow orange purple pink brown black white grey gray maroon beige navy turquoise teal
    violet magenta fuchsia fushia lavender cream ivory olive khaki burgundy crimson multicolor multicolour
    红色 蓝色 绿色 黄色 橙色 紫色 粉色 棕色 黑色 白色 灰色 米色 卡其色 藏青色
""")
"""Words for a colour (stems)."""

COLOUR_IDIOMS = (
    r"green (?:choice|living|planet)|black friday|white[- ]glove|red carpet|out of the blue|"
    r"golden (?:hour|rule)|ice cream|\bcream\b(?= for| with| that|[.,]| \d)"
)
"""Uses of a colour's word that state no colour."""

SAME_WORD: dict[str, str] = {
    "gray": "grey", "multicolour": "multicolor", "aluminium": "aluminum", "microfibre": "microfiber",
    "wooden": "wood", "golden": "gold", "silken": "silk", "woolen": "wool", "woollen": "wool",
    "纯棉": "棉", "真皮": "皮革", "牛皮": "皮革", "羊皮": "皮革", "真丝": "蚕丝", "桑蚕丝": "蚕丝",
    "聚酯": "涤纶", "聚酯纤维": "涤纶", "牛仔布": "牛仔",
}  # fmt: skip
"""Spellings of one thing."""

WELL_KNOWN_BRANDS = _listed("""
    nike adidas puma reebok iphone samsung sony xiaomi huawei lenovo amazon walmart costco ikea starbucks
    disney marvel gucci prada chanel hermes rolex omega levi's zara h&m uniqlo dyson nestle coca-cola pepsi
    microsoft google nintendo lego philips bosch canon nikon
""")
"""Brands that a language model likes to name although the product is another's."""

POSITIVE = _listed("""
    beautiful beautifully bright charming cheerful clean comfort comfortable cosy cozy cute delight delightful
    durable easy elegant enjoy fresh friendly fun gentle gift good graceful great happy joy love lovely
    luxurious nice perfect pleasant pretty quality refreshing relax reliable safe smart smooth soft special
    strong stunning style stylish sturdy treat warm wonderful
    喜欢 舒适 优雅 时尚 漂亮 柔软 精致 轻松 温暖
""")
NEGATIVE = _listed("""
    angry annoying awful bad boring broken cheap defect difficult dirty disappointing dull fail failure fake
    harsh hate horrible ill infamous lack lose loss mess pain painful poor problem rough ruin sad stiff
    tired trouble ugly unhappy useless weak worry worse worst wrong
    差 糟糕 难看 失望 廉价
""")
"""The small sentiment list: words of ads and reviews, by sign."""

TOXIC = _listed("""
    idiot idiots stupid moron dumb loser losers bitch bastard fuck fucking fucked shit crap damn asshole slut
    whore retard retarded kill murder rape nazi racist terrorist porn nude hell
    傻逼 白痴 笨蛋 混蛋 去死 脑残
""")
"""The small toxicity list: insults, obscenity, violence."""

STOP_WORDS = _listed("""
    a about above after all also an and any are as at be because been before being below between both but by
    can could did do does doing down during each few for from further had has have having he her here hers him
    his how i if in into is it its just me more most my no nor not now of off on once only or other our ours
    out over own same she should so some such than that the their theirs them then there these they this those
    through to too under until up very was we were what when where which while who whom why will with would
    you your yours it's you're don't
    的 了 和 是 在 也 有 就 都 而 及 与 着 或 这 那 你 我 他 她 它
""")
"""Words without a topic."""
