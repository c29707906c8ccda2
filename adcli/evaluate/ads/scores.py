"""What can be said of each ad by itself: its form, its claims, how it reads, how near it is to references."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.copy.channels import CHANNELS, FIELDS, display_width, misfits, unfit
from adcli.copy.checker import Checker, is_publishable
from adcli.copy.claims import Finding
from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import NEGATIVE, POSITIVE
from adcli.copy.wording import is_chinese, root, words
from adcli.evaluate.ads.ngrams import rouge_l, rouge_n, tokens

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
EncodeTokens = Callable[[Sequence[str]], Sequence[npt.NDArray[np.float32]]]
Score = Mapping[str, float | None]
TEXTS_AT_ONCE = 512
TOXIC = frozenset({"profanity", "discrimination", "cn.discrimination"})


def ad_scores(
    ads: pl.DataFrame,
    *,
    products: Sequence[ProductFacts] | None = None,
    references: Mapping[str, Sequence[str]] | None = None,
    encode: Encode | None = None,
    encode_tokens: EncodeTokens | None = None,
    checker: Checker | None = None,
) -> pl.DataFrame:
    """One row an ad, one column a measure; null where a measure does not apply.

    Args:
        ads: An ads table.
        products: What is known of the products the ads are for; without it claims are not checked.
        references: Texts to compare with, by `ad_id`.
        encode: Texts to (n, d) unit vectors.
        encode_tokens: Texts to one (tokens, d) array of unit vectors each.
        checker: Of claims; None is that of the default market.
    """
    by_item = {product.item_id: product for product in products or ()}
    about = [by_item.get(item_id) for item_id in ads["item_id"].cast(pl.String)]
    found = (checker or Checker()).findings(ads["text"].to_list(), about)
    rows = [
        {**_form(ad), **_wording(str(ad["text"])), **_claims(ad, product, its)}
        for ad, product, its in zip(ads.to_dicts(), about, found, strict=True)
    ]
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}
    texts = ads["text"].to_list()
    wanted = [list(references.get(ad_id, ())) for ad_id in ads["ad_id"]] if references else None
    if wanted is not None:
        columns |= _overlap(texts, wanted)
        columns |= _nearness(texts, wanted, encode, encode_tokens)
    if encode is not None and by_item:
        described = [[f"{product.name}. {product.prose}"] if product else [] for product in about]
        columns["product_similarity"] = _similarity(texts, described, encode)
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64), strict=False)


def _form(ad: Mapping[str, object]) -> Score:
    headline, description = ad.get("headline"), ad.get("description")
    flags = ad.get("flags")
    return {
        "fits_channel": _fits_channel(ad),
        "headline_width": float(display_width(str(headline))) if headline is not None else None,
        "description_width": float(display_width(str(description))) if description is not None else None,
        "words": float(len(words(str(ad["text"])))),
        "template": float("template" in flags) if isinstance(flags, list) else None,
    }


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
    texts: Sequence[str],
    references: Sequence[Sequence[str]],
    encode: Encode | None,
    encode_tokens: EncodeTokens | None,
) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    if encode_tokens is not None:
        found["bert_score"] = _best_pairs(texts, references, encode_tokens, bert_score)
    if encode is not None:
        found["sentence_similarity"] = _similarity(texts, references, encode)
    return found


def _similarity(texts: Sequence[str], others: Sequence[Sequence[str]], encode: Encode) -> list[float | None]:
    """Cosine of each text with the nearest of its others."""
    return _best_pairs(texts, others, encode, lambda left, right: float(left @ right))


def _best_pairs(
    texts: Sequence[str],
    others: Sequence[Sequence[str]],
    encode: Callable[[Sequence[str]], Sequence[npt.NDArray[np.float32]] | npt.NDArray[np.float32]],
    measure: Callable[[npt.NDArray[np.float32], npt.NDArray[np.float32]], float],
) -> list[float | None]:
    """The best `measure` of each text with one of its others, some hundred texts' vectors held at a time."""
    best: list[float | None] = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        some, theirs = texts[start : start + TEXTS_AT_ONCE], others[start : start + TEXTS_AT_ONCE]
        distinct = list(dict.fromkeys([*some, *(other for several in theirs for other in several)]))
        place = {text: row for row, text in enumerate(distinct)}
        encoded = encode(distinct)
        best += [
            max((measure(encoded[place[text]], encoded[place[other]]) for other in several), default=None)
            for text, several in zip(some, theirs, strict=True)
        ]
    return best


def bert_score(left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]) -> float:
    """BERTScore F1 of two texts: each token with the most similar one of the other, no idf, no rescaling.

    Args:
        left: (tokens, d) unit vectors of the one text.
        right: (tokens, d) unit vectors of the other.

    Source: Zhang et al. (2020), section 3.
    """
    if not len(left) or not len(right):
        return 0.0
    cosine = left @ right.T
    precision, recall = float(cosine.max(axis=1).mean()), float(cosine.max(axis=0).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
