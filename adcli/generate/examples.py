"""Ads written by hand, as examples for a language model: honest, from the facts alone, one sentence each.

A small model writes what it has just read, so the examples come from the product's own scene (`copy.scenes`).
"""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """One product and its ad; `scene` is where the product is used."""

    scene: str
    product: str
    facts: str
    ad: str

    @property
    def said(self) -> str:
        """What the ad says of the product, without the phrase that names it."""
        return self.ad.partition(" that ")[2] or self.ad


_WRITTEN = """
    home | Showpiece | brass, gold
        A brass showpiece that gives your shelf a quiet shine.
    home | Door Curtain | polyester, pack of 2
        A polyester door curtain that adds a soft light to your room.
    home | Table Lamp | brass, 40 cm high
        A brass table lamp that brings a warm glow to the evening.
    seating | Cushion Cover | cotton, floral pattern, pack of 5
        A cotton cushion cover that brings fresh colour to your sofa.
    walls | Wall Sticker | vinyl, 60 cm high
        A vinyl wall sticker that gives your room a new look.
    bedding | Quilt | cotton, double size, machine washable
        A cotton quilt that keeps you cosy on a cold night.
    bedding | Bedsheet | cotton, king size, printed
        A printed cotton bedsheet that makes your bedroom feel new.
    kitchen | Mug | ceramic, 330 ml, microwave safe
        A ceramic mug that makes a slow morning a little better.
    kitchen | Pan | non-stick
        A non-stick pan that makes breakfast for two easy.
    kitchen | Storage Jar | glass, 500 ml, pack of 3
        A glass jar that keeps tea and spices in sight.
    watch | Watch | leather strap, round dial, for men
        A watch with a leather strap that suits the office and the weekend.
    watch | Watch | for women, rose gold dial
        A watch for women that keeps you on time, from breakfast to dinner.
    garment | Dress | cotton, for women, knee length
        A cotton dress that feels easy on a warm day.
    garment | Shirt | cotton, for men, striped
        A striped cotton shirt that suits a slow weekend.
    fashion | Handbag | canvas, black, zip closure
        A black canvas handbag that goes with everything you wear.
    baby | Romper | cotton, for baby boys, short sleeve
        A cotton romper that lets your baby play and nap in comfort.
    baby | Blanket | fleece, for newborns, blue
        A blue fleece blanket that keeps your little one cosy.
    baby | Dress | cotton, for baby girls, printed
        A printed cotton dress that makes her first party a happy one.
    beauty | Face Cream | for dry skin, 50 g
        A face cream for dry skin that leaves your skin feeling soft.
    beauty | Deodorant Combo | set of 2, for men
        A deodorant combo that keeps you feeling fresh at work and after it.
    beauty | Shampoo | 250 ml, for curly hair
        A shampoo for curly hair that leaves your curls easy to comb.
    bath | Bath Towel | cotton, 500 GSM
        A cotton bath towel that feels soft after a shower.
    tech | USB Hub | black, 4 USB ports
        A black USB hub that gives you room for every cable.
    tech | Laptop Battery | 6 cells, black
        A laptop battery that keeps your laptop going away from the desk.
    tech | Router | white, 300 mbps wireless speed
        A white router that gives you a connection in every room.
    storage | Jewellery Box | wood, 3 drawers
        A wooden jewellery box that keeps your rings and earrings in order.
    storage | Pouch | canvas, zip closure, for women
        A canvas pouch that holds the small things you take with you.
    outdoor | Backpack | nylon, 45 l, for trekking
        A nylon backpack that makes a weekend on the trail simple.
    office | Notebook | paper, 200 pages, ruled
        A ruled notebook that gives you space for your plans.
"""


def _read(written: str) -> tuple[Example, ...]:
    lines = [line.strip() for line in written.strip().splitlines()]
    return tuple(
        Example(*(part.strip() for part in f"{about}|{ad}".split("|")))
        for about, ad in zip(lines[::2], lines[1::2], strict=True)
    )


EXAMPLES: tuple[Example, ...] = _read(_WRITTEN)

CHINESE_EXAMPLES: tuple[Example, ...] = _read("""
    fashion | 连衣裙 | 棉，格子图案，半高领
        这款连衣裙选用棉质面料，格子图案清新自然，日常出门轻松搭配。
    home | 抱枕套 | 亚麻，米色
        这款抱枕套采用亚麻面料，米色简单耐看，让沙发多一份温馨。
    kitchen | 马克杯 | 陶瓷，330毫升
        这款马克杯为陶瓷材质，容量330毫升，陪你度过安静的早晨。
""")

VERBS: dict[str, tuple[str, ...]] = {
    "watch": ("keeps you", "suits"),
    "baby": ("keeps your", "lets your"),
    "bedding": ("keeps you", "makes your", "adds"),
    "walls": ("gives your", "adds"),
    "storage": ("keeps your", "holds"),
    "bath": ("feels", "leaves your"),
    "beauty": ("leaves your", "keeps you"),
    "kitchen": ("makes", "brings"),
    "tech": ("gives you", "keeps your"),
    "garment": ("feels", "suits"),
    "fashion": ("goes with", "feels"),
    "jewellery": ("goes with", "adds"),
    "outdoor": ("makes", "keeps you"),
    "office": ("gives you", "keeps your"),
    "seating": ("brings", "gives your"),
    "home": ("adds", "gives your", "brings"),
}
"""What things of a scene do for people: verbs for the model to continue; the most specific scene first."""

_ANY_VERBS = ("makes", "gives you")


def verbs_for(scenes: frozenset[str]) -> tuple[str, ...]:
    """The verbs for a thing of these scenes: those of its most specific scene."""
    return next((verbs for scene, verbs in VERBS.items() if scene in scenes), _ANY_VERBS)


def examples_of(scenes: frozenset[str]) -> list[Example]:
    """All examples of these scenes; all there are if none is."""
    return [example for example in EXAMPLES if example.scene in scenes] or list(EXAMPLES)


def examples_for(scenes: frozenset[str], *, most: int = 3) -> list[Example]:
    """Examples for a product of these scenes, its own scenes' last, so that the last is nearest to it."""
    order = [scene for scene in VERBS if scene in scenes]
    own = sorted(
        (example for example in EXAMPLES if example.scene in order),
        key=lambda example: order.index(example.scene),
    )
    others = [example for example in EXAMPLES[::3] if example not in own]
    return (own + others)[:most][::-1]
