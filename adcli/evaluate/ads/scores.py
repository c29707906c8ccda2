"""What can be said of each ad by itself: its form, its claims, how it reads, how near it is to references."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from adcli.arrays import Floats32
from adcli.copy.channels import CHANNELS, FIELDS, misfits, unfit
from adcli.copy.checker import Checker, is_publishable
from adcli.copy.claims import Finding
from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import NEGATIVE, POSITIVE
from adcli.copy.wording import is_chinese, root, words
from adcli.statistics.ngrams import rouge_l, rouge_n, tokens

EncodeTokens = Callable[[Sequence[str]], Sequence[Floats32]]
Score = Mapping[str, float | None]
TEXTS_AT_ONCE = 512
TOXIC = frozenset({"profanity", "discrimination", "cn.discrimination"})


def ad_scores(
    ads: pl.DataFrame,
    *,
    products: Sequence[ProductFacts] | None = None,
    references: Mapping[str, Sequence[str]] | None = None,
    encode_tokens: EncodeTokens | None = None,
    checker: Checker | None = None,
) -> pl.DataFrame:
    """One row an ad, one column a measure; null where a measure does not apply.

    `products`: what is known of the products the ads are for, without it claims are not checked;
    `references`: texts to compare with, by `ad_id`; `encode_tokens`: texts to one (tokens, d) array of unit
    vectors each; `checker`: of claims, None is that of the default market.
    """
    by_item = {product.item_id: product for product in products or ()}
    about = [by_item.get(item_id) for item_id in ads["item_id"].cast(pl.String)]
    found = (checker or Checker()).findings(ads["text"].to_list(), about)
    rows = [
        {"fits_channel": _fits_channel(ad), **_wording(str(ad["text"])), **_claims(ad, product, its)}
        for ad, product, its in zip(ads.to_dicts(), about, found, strict=True)
    ]
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}
    if references:
        texts, wanted = ads["text"].to_list(), [list(references.get(ad_id, ())) for ad_id in ads["ad_id"]]
        columns |= _overlap(texts, wanted)
        if encode_tokens is not None:
            columns["bert_score"] = _nearness(texts, wanted, encode_tokens)
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64), strict=False)


def _fits_channel(ad: Mapping[str, object]) -> float | None:
    """Whether number and length of its texts are the channel's; of a table without lists, of what it has."""
    channel = CHANNELS.get(str(ad.get("channel")))
    texts = {kind: found for kind in FIELDS if isinstance(found := ad.get(kind), list)}
    if channel is None or not (texts or isinstance(ad.get("headline"), str)):
        return None
    if texts:
        return float(not misfits(channel, **texts))
    parts = {"headlines": ad.get("headline"), "descriptions": ad.get("description")}
    return float(not any(unfit(str(text or ""), kind, channel) for kind, text in parts.items()))


def _wording(text: str) -> Score:
    said = words(text)
    positive, negative = (sum(word in listed for word in said) for listed in (POSITIVE, NEGATIVE))
    return {
        "words": float(len(said)),
        "sentiment": (positive - negative) / max(1, positive + negative),
        "readability": reading_ease(text),
    }


def _claims(ad: Mapping[str, object], product: ProductFacts | None, found: Sequence[Finding]) -> Score:
    """What the checker found in one ad; what needs a record is null without one."""
    rules = [finding.rule for finding in found if finding.layer == "rules"]
    personal = any(rule.startswith("pii.") for rule in rules)
    toxic = any(rule in TOXIC for rule in rules)
    known = product is not None
    said = {root(word) for word in words(str(ad["text"]))}
    listed = product.listed if product else ()
    stated = sum({root(word) for word in words(fact.said)} <= said for fact in listed)
    return {
        "banned_terms": float(any(rule not in TOXIC and not rule.startswith("pii.") for rule in rules)),
        "personal_data": float(personal),
        "toxicity": float(toxic),
        "publishable": float(is_publishable(found)) if known else None,
        "unsupported_claims": float(any(finding.layer != "rules" for finding in found)) if known else None,
        "fact_coverage": stated / len(listed) if listed else None,
    }


def reading_ease(text: str) -> float | None:
    """Flesch's reading ease of an English text (60 to 70 is plain); None for Chinese and without words.

    Source: Flesch (1948); syllables are counted as groups of vowels.
    """
    said = re.findall(r"[a-z]+", text.lower())
    if not said or is_chinese(text):
        return None
    sentences = max(1, len(re.findall(r"[.!?]+(?:\s|$)", text)))
    syllables = sum(_syllables(word) for word in said)
    return 206.835 - 1.015 * len(said) / sentences - 84.6 * syllables / len(said)


def _syllables(word: str) -> int:
    groups = len(re.findall(r"[aeiouy]+", word))
    return max(1, groups - (word.endswith("e") and not word.endswith("le") and groups > 1))


def _overlap(texts: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, list[float | None]]:
    """ROUGE of each text with its nearest reference."""
    pairs = [
        (tokens(text), [tokens(reference) for reference in wanted])
        for text, wanted in zip(texts, references, strict=True)
    ]
    measures = {
        "rouge_1": lambda said, wanted: rouge_n(said, wanted, 1),
        "rouge_2": lambda said, wanted: rouge_n(said, wanted, 2),
        "rouge_l": rouge_l,
    }
    return {
        name: [
            max((measure(said, reference) for reference in wanted), default=None) for said, wanted in pairs
        ]
        for name, measure in measures.items()
    }


def _nearness(
    texts: Sequence[str], references: Sequence[Sequence[str]], encode: EncodeTokens
) -> list[float | None]:
    """BERTScore of each text with its nearest reference, some hundred texts' vectors held at a time."""
    best: list[float | None] = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        some, theirs = texts[start : start + TEXTS_AT_ONCE], references[start : start + TEXTS_AT_ONCE]
        distinct = list(dict.fromkeys([*some, *(other for several in theirs for other in several)]))
        encoded = dict(zip(distinct, encode(distinct), strict=True))
        best += [
            max((bert_score(encoded[text], encoded[other]) for other in several), default=None)
            for text, several in zip(some, theirs, strict=True)
        ]
    return best


def bert_score(left: Floats32, right: Floats32) -> float:
    """BERTScore F1 of two texts: each token with the most similar one of the other, no idf, no rescaling.

    `left` (tokens, d) unit vectors of the one text; `right` (tokens, d) unit vectors of the other.

    Source: Zhang et al. (2020), section 3.
    """
    if not len(left) or not len(right):
        return 0.0
    cosine = left @ right.T
    precision, recall = float(cosine.max(axis=1).mean()), float(cosine.max(axis=0).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
