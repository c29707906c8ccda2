"""What a writer that was tuned on ads is asked: the product as facts and prose, and for whom."""

from __future__ import annotations

from adcli.copy.facts import ProductFacts

FACTS, PROSE = 8, 240  # facts, and characters of prose, that a prompt has room for


def ad_prompt(product: ProductFacts, shoppers: str = "") -> str:
    """The prompt whose continuation is an ad.

    `product`: what the ad is for; `shoppers`: the words that mark the audience; '' is everybody.
    """
    said = ", ".join(fact.said for fact in product.listed[:FACTS])
    about = product.prose[:PROSE].rsplit(" ", 1)[0] if len(product.prose) > PROSE else product.prose
    parts = {"Product": product.name, "Facts": said, "About": about, "Shoppers": shoppers}
    return "\n".join([*(f"{name}: {value}" for name, value in parts.items() if value), "Ad:"])
