"""Ads for products: a language model's drafts, checked, the best of them, and templates where none passes.

Each product gets `n` ads. One that no model wrote says so with the flag `template`; one that breaks a rule,
which only a product with next to no words on record gets, with the rule's id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import polars as pl

from adcli.copy.channels import Channel, channel_named, display_width
from adcli.copy.checker import Checker, is_publishable
from adcli.copy.facts import Catalogue, ProductFacts, catalogue_facts
from adcli.copy.wording import is_chinese
from adcli.generate.checks import flags
from adcli.generate.drafting import Draft
from adcli.generate.examples import examples_of
from adcli.generate.jobs import AdRequest, Sampling, Segment, Write, Written, drafts_for, jobs_for
from adcli.generate.selection import Encode, Scored, fits, pick, remembering, score
from adcli.generate.templates import headlines, listed_facts, templates

__all__ = ["SCHEMA", "Segment", "Write", "generate_ads"]

SCHEMA: Mapping[str, pl.DataType] = {
    "ad_id": pl.String(), "item_id": pl.String(), "segment_id": pl.String(), "channel": pl.String(),
    "headline": pl.String(), "description": pl.String(), "text": pl.String(),
    "facts": pl.List(pl.String()), "flags": pl.List(pl.String()),
    "score": pl.Float64(), "score_coverage": pl.Float64(), "score_fit": pl.Float64(),
    "model": pl.String(), "seed": pl.Int64(),
}  # fmt: skip
"""Columns of the ads table, in order."""

LEAST_FIT = 0.32
"""What a model says is off the subject if it fits less than this; by eye on a small model's drafts."""


def generate_ads(
    products: pl.DataFrame,
    write: Write | None,
    *,
    encode: Encode | None = None,
    n: int = 3,
    channel: str = "google-search",
    seed: int = 0,
    candidates: int = 12,
    segments: Sequence[Segment] = (),
    chat: bool = True,
    model: str = "",
    temperature: float = 0.6,
    top_p: float = 0.9,
    on_products: Callable[[int], None] | None = None,
    batch: int = 16,
    knowledge: Mapping[str, Mapping[str, Sequence[Any]]] | None = None,
    checker: Checker | None = None,
    claims: Literal["block", "flag"] = "block",
) -> pl.DataFrame:
    """Ads for every product: `n` for each product and segment, in the order of the products.

    Args:
        products: A products table (`item_id`, `title`; further columns are read as attributes).
        write: The language model; None gives templates only.
        encode: Texts to (n, d) unit vectors, for nearness to the product and among ads; None goes by words.
        n: Ads for each product and segment.
        channel: One of `CHANNELS`.
        seed: Of the model's sampling.
        candidates: At most so many drafts for each product and segment, to choose from.
        segments: Audiences; none means ads for everybody, with a null `segment_id`.
        chat: Whether the model takes messages (else plain text to continue).
        model: The model's name, for the column.
        temperature: Of the model's sampling.
        top_p: Of the model's sampling.
        on_products: Called with the number of products done so far.
        batch: Products written for at a time.
        checker: Of claims, by market and brand; None is that of the default market.
        claims: Whether an ad that a check finds fault with is left out (`block`) or kept with its flags.
        knowledge: What `catalogue_facts` is to know further: `reviews` and `own` facts.

    Raises:
        UsageError: If there is no such channel.
    """
    form = channel_named(channel)
    catalogue = catalogue_facts(products.to_dicts(), **(knowledge or {}))
    judge = (checker or Checker()).knowing(catalogue.brands)
    sampling = Sampling(candidates, temperature, top_p, seed, chat)
    jobs = jobs_for(catalogue.products, segments, sampling)
    vectors = remembering(encode) if encode else None
    per_product = max(1, len(segments))
    rows: list[dict[str, object]] = []
    for start in range(0, len(jobs), batch * per_product):
        part = jobs[start : start + batch * per_product]
        for job, written in zip(part, drafts_for(part, write, form, sampling), strict=True):
            chosen = _best(job, written, n, form, catalogue, vectors, judge)
            chosen = [ad for ad in chosen if claims == "flag" or not ad.flags]
            rows += [_row(job, scored, form, model, seed) for scored in chosen]
        if on_products:
            on_products((start + len(part)) // per_product)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _best(
    job: AdRequest,
    written: Sequence[Written],
    n: int,
    channel: Channel,
    catalogue: Catalogue,
    encode: Encode | None,
    judge: Checker,
) -> list[Scored]:
    """The `n` ads of one job: model drafts that pass, best first, then templates."""
    product = job.product
    heads = headlines(product, channel)
    shown = [example.ad for prompt in job.prompts[:1] for example in prompt.examples]

    def broken(draft: Draft) -> list[str]:
        return flags(draft, product, channel, nouns=catalogue.nouns, shown=shown, checker=judge)

    whole = [
        Written(_completed(draft, heads[index % len(heads)], product, channel), said)
        for index, (draft, said) in enumerate(written)
    ]
    passed = _supported([entry for entry in whole if not broken(entry.draft)], product, judge)
    drafted = _scored(passed, job, encode)
    vectors = encode([scored.draft.description for scored in drafted]) if encode and drafted else None
    chosen = pick(drafted, n, vectors=vectors)
    needed = templates(product, channel, n) if len(chosen) < n else []
    spare = [score(draft, broken(draft), "template", product) for draft in needed]
    return _with_own_headlines((chosen + spare)[:n], heads)


def _supported(passed: Sequence[Written], product: ProductFacts, judge: Checker) -> list[Written]:
    """The drafts that the model of claims finds no fault with either."""
    found = judge.findings([entry.draft.description for entry in passed], [product] * len(passed))
    return [entry for entry, its in zip(passed, found, strict=True) if is_publishable(its)]


def _scored(passed: Sequence[Written], job: AdRequest, encode: Encode | None) -> list[Scored]:
    """The drafts with their scores, without those that speak of something else."""
    product = job.product
    if encode is None or not passed:
        return [score(draft, (), "model", product) for draft, _ in passed]
    facts = ", ".join(fact.said for fact in product.listed)
    about = f"{product.name}. {product.kind}. {facts}{'. ' + job.segment.name if job.segment else ''}"
    near = fits(
        [said for _, said in passed], about, [each.said for each in examples_of(product.scenes)], encode
    )
    scored = [
        score(draft, (), "model", product, fit=float(fit))
        for (draft, _), fit in zip(passed, near, strict=True)
    ]
    return [entry for entry in scored if entry.fit >= LEAST_FIT]


def _with_own_headlines(chosen: Sequence[Scored], heads: Sequence[str]) -> list[Scored]:
    """The ads, each with a headline that the ones before it do not have, as far as there are enough."""
    used: set[str] = set()
    renamed = []
    for scored in chosen:
        headline = scored.draft.headline
        if headline in used:
            headline = next((head for head in heads if head not in used), headline)
        used.add(headline)
        renamed.append(scored._replace(draft=scored.draft._replace(headline=headline)))
    return renamed


def _completed(draft: Draft, headline: str, product: ProductFacts, channel: Channel) -> Draft:
    """The draft with a headline, and with facts that it does not state where the channel has room for it."""
    head = draft.headline or headline
    room = channel.descriptions.columns - display_width(draft.description) - 1
    wanted = bool(draft.description) and room > 12 and not is_chinese(draft.description)
    further = listed_facts(product.listed[:6], f"{head} {draft.description}", room) if wanted else ""
    return Draft(head, f"{draft.description} {further}".strip())


def _row(job: AdRequest, scored: Scored, channel: Channel, model: str, seed: int) -> dict[str, object]:
    headline, description = scored.draft
    segment_id = job.segment.segment_id if job.segment else None
    identity = "\x1f".join([job.product.item_id, channel.name, segment_id or "", headline, description])
    stop = "" if headline[-1:] in ".!?。！？" else "。" if is_chinese(headline) else ". "
    is_template = scored.source == "template"
    return {
        "ad_id": hashlib.blake2b(identity.encode(), digest_size=8).hexdigest(),
        "item_id": job.product.item_id,
        "segment_id": segment_id,
        "channel": channel.name,
        "headline": headline,
        "description": description,
        "text": f"{headline}{stop or ' '}{description}".strip(),
        "facts": list(scored.facts),
        "flags": [*scored.flags, *(["template"] if is_template else [])],
        "score": scored.total,
        "score_coverage": scored.coverage,
        "score_fit": scored.fit,
        "model": "template" if is_template else model,
        "seed": seed,
    }
