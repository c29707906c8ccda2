"""The rules of claims, as patterns over folded text: what is banned, and what must be on record to be said.

A rule's words are written as phrases between semicolons, each a small regular expression over whole words.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class ClaimRule(NamedTuple):
    """One rule: its id, the words that break it, and the words that excuse it.

    `evidence` of a banned term is the context, in the ad itself, that makes it harmless (`best friend`); of a
    provable claim, what the product's record must say (None: the claim's own words).
    """

    name: str
    pattern: re.Pattern[str]
    evidence: re.Pattern[str] | None = None


def _any_of(phrases: str) -> re.Pattern[str]:
    """Any of the phrases as whole words; Chinese has no spaces between words and needs none."""
    listed = "|".join(phrase.strip() for phrase in phrases.split(";") if phrase.strip())
    edge = "[a-z0-9]"
    return re.compile(rf"(?<!{edge})(?:{listed})(?!{edge})")


def _rule(name: str, phrases: str, evidence: str = "") -> ClaimRule:
    return ClaimRule(name, _any_of(phrases), re.compile(evidence) if evidence else None)


BANNED: tuple[ClaimRule, ...] = (
    ClaimRule(
        "absolute.best",
        re.compile(r"\bbest\b"),
        re.compile(
            r"best[ -](?:friends?|man|wishes|before|suited|enjoyed|served|used|paired|of luck|seller's)"
            r"|(?:look|feel|be|at|try|do|wear|know|give) (?:your|their|its|his|her|my|our) (?:very )?best"
            r"|(?:your|their|his|her|my|our) (?:very )?best\b(?! (?:choice|option|buy|deal|price))"
        ),
    ),
    _rule("absolute.number_one", r"#\s?1; no\.? ?1; number[ -](?:1|one)"),
    _rule(
        "absolute.superlative",
        """
        finest; greatest; fastest; softest; strongest; lightest; thinnest; smallest; largest; biggest;
        easiest; safest; healthiest; coolest; cutest; warmest; brightest; toughest; purest; richest; smartest;
        hottest; cheapest; highest; lowest; newest; latest; the most [a-z]+;
        (?:most|least)
        (?:trusted|popular|advanced|comfortable|effective|powerful|durable|reliable|affordable);
        (?:most|least) (?:beautiful|luxurious|expensive|loved)
        """,
        r"\bthe most (?:of|out)\b",
    ),
    _rule("absolute.ultimate", "ultimate; perfection; flawless(?:ly)?"),
    _rule(
        "absolute.unmatched",
        r"""
        unbeatable; unmatched; unrivall?ed; unparallell?ed; unsurpassed; incomparable; unbreakable;
        indestructible; second to none; one[- ]of[- ]a[- ]kind; like no other; the only (?:one|\w+
        (?:you|that|for)); ever (?:made|created|seen); world[- ]class; award[- ]winning; top[- ]rated; best[-
        ]?sell(?:er|ers|ing); industry[- ]leading; revolutionary
        """,
    ),
    _rule("absolute.world", "world's; in the world; on the market; on earth"),
    _rule(
        "absolute.promise",
        r"""
        guarantee[ds]?; 100% (?:satisf\w+|safe|effective|results?|happy|reliable|risk[a-z-]*); risk[- ]free;
        never (?:fades?|fails?|breaks?|disappoints?|lets?|leaves?|worry|again); miracle; magical(?:ly)?;
        forever; unlimited; endless(?:ly)?; no side[- ]effects?; instant results?; lifetime; permanent(?:ly)?
        """,
    ),
    _rule(
        "absolute.zh",
        r"""
        国家级; 世界级; 宇宙级; 最高级; 最佳; 最好; 最优; 最强; 最低价; 最便宜; 最先进; 最顶级; 最受欢迎;
        最热销; 最大(?!限度|程度|化); 全网最\w; 史上最\w; 第一(?:品牌|名|选择);
        (?:销量|全国|全球|行业|世界)第一; 唯一; 顶级; 顶尖; 极品; 绝无仅有; 独一无二; 万能; 王牌; 冠军; 首选;
        100%有效; 永久; 根治; 零风险; 无副作用; 国家领导人; 驰名商标; 特供; 专供
        """,
        r"最大(?:的)?(?:尺寸|直径|长度|承重|亮点|特点|特色|看点|优点)|不是唯一|非唯一",
    ),
)
"""Claims that no record of a product can prove."""

_P = "property.unsupported"
_WARM_THINGS = "blanket|quilt|comforter|dohar|wool|fleece|jacket|coat|sweater|sock"

PROVABLE: tuple[ClaimRule, ...] = (
    _rule(_P, "water[- ]?proof", r"water[ -]?proof"),
    _rule(_P, "water[- ]resistant", r"water[ -]?(?:resist|proof)"),
    _rule(_P, "organic(?:ally)?"),
    _rule(_P, "all[- ]natural; natural (?:ingredients?|materials?|fib(?:er|re)s?)", r"\bnatural"),
    _rule(_P, "hand[- ]?(?:made|crafted|woven|painted|stitched)", r"\bhand ?-?(?!l)\w*|artisan|handicraft"),
    _rule(_P, "hypo-?allergenic; non-?toxic; vegan; bluetooth; solar; dishwasher"),
    _rule(_P, "(?:bpa|lead|paraben|sulfate|sulphate|alcohol|gluten|chemical|toxin|cruelty)[- ]free"),
    _rule(
        _P,
        r"eco[- ]?friendly; sustainab\w+; recycl\w+; biodegradable; environmentally",
        r"\beco\b|eco-?friendly|sustainab|recycl|biodegrad|environment",
    ),
    _rule(
        _P,
        """
        (?:clinically|dermatologically|scientifically|medically)[ -](?:tested|proven); fda; certified;
        (?:doctor|dermatologist|expert|celebrity)[- ](?:recommended|approved|tested|loved)
        """,
    ),
    _rule(_P, "(?:genuine|real|pure|authentic) (?:leather|silk|gold|silver|wool|wood|cotton)"),
    _rule(_P, "machine[- ]washable; machine wash", r"machine[- ]wash"),
    _rule(_P, "microwave?; microwave-safe", r"microwave"),
    _rule(_P, "(?:stain|wrinkle|scratch|shock|heat|fire|fade|rust|tear|odou?r)[- ](?:resistant|proof|free)"),
    _rule(_P, r"anti[- ]?(?:bacterial|microbial|slip|skid|aging|ageing|oxidant|wrinkle|shrink\w*|fungal)"),
    _rule(_P, "non[- ]?(?:slip|stick|skid)"),
    _rule(_P, "uv; sun protection", r"\buv|\bspf\b|sun"),
    _rule(_P, r"breathab\w+", r"breath|ventilat"),
    _rule(_P, "rechargeable", r"recharg"),
    _rule(_P, "wireless(?:ly)?; wi-?fi; cordless", r"wireless|wi-?fi|cordless|wlan|802\.11"),
    _rule(_P, "adjustable", r"adjust"),
    _rule(_P, "foldable; collapsible", r"fold|collaps"),
    _rule(_P, "leak[- ]?proof; spill[- ]?proof", r"leak|spill"),
    _rule(_P, "insulated", r"insulat"),
    _rule(_P, r"luxur\w+ (?:swiss|italian|french); made in [a-z]+; imported", r"made in|import|origin"),
    _rule(_P, r"heart rate; gps; touch ?screen; fitness track\w+; smart ?watch"),
    _rule(_P, "warrant(?:y|ies)", r"warrant"),
    _rule(
        _P, "(?:a|one|full)[- ]year(?:'s)?[- ](?:warranty|guarantee)", r"\b(?:1|one)[- ]?year|\b12[- ]?month"
    ),
    _rule(_P, "money[- ]back; free returns?; refunds?"),
    _rule(
        _P,
        """
        for (?:(?:a|an|the|many|several|few|whole|entire|up to) ?){1,3}(?:hours?|days?|weeks?|months?|years?);
        all (?:day|night|week|year)(?: long)?
        """,
    ),
    _rule(
        _P,
        r"keeps? (?:\w+ ){0,3}(?:hot|cold|warm|cool)",
        rf"insulat|thermo|vacuum|{_WARM_THINGS}|keeps? .{{0,30}}(?:hot|cold|warm|cool)",
    ),
    _rule(
        "offer.unsupported",
        r"""
        free (?:shipping|delivery|gift|trial|sample); discount\w*; on sale; (?:flash|big|summer|winter) sale;
        special offers?; exclusive (?:deal|offer|discount)s?; deals?; coupons?; promo; half[- ]price;
        save (?:up|big|money|now|\d+); \d+ ?%\s?off; (?:affordable|low|great|reduced) prices?; cheap
        """,
    ),
    _rule(
        "pressure.unsupported",
        r"""
        limited[- ](?:time|edition|stock|offer|quantit\w+); only \d+ left; last chance; hurry; today only;
        while (?:stocks?|supplies) last; act (?:now|fast); selling (?:out|fast); don't miss
        """,
    ),
    _rule(
        "health.unsupported",
        r"""
        cures?; heals?; healing; treats? (?:your )?(?:acne|pain|skin|disease|headaches?); prevents? \w+;
        weight[- ]loss; (?:lose|losing) weight; detox\w*; relieves? (?:pain|stress|anxiety); health benefits?;
        boosts? (?:your )?(?:immun\w+|energy|metabolism); therapeutic;
        improves? (?:your )?(?:sleep|health|circulation|skin)
        """,
    ),
    _rule(_P, "纯天然; 有机; 手工; 防水; 抗菌; 防晒; 进口; 限量; 正品; 包邮; 保修; 专利"),
)
"""Claims that are true of some products: each must be on the product's record."""
