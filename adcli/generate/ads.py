"""Ads for products: planned by angle, said by a grammar around their facts, checked, the best chosen.

A product gets at most `n` ads; fewer where its record allows fewer angles, none where nothing can be said.
What a language model writes competes with the grammar's lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import polars as pl

from adcli.copy.ad import Ad, Line
from adcli.copy.channels import FIELDS, Channel, channel_named, display_width
from adcli.copy.checker import Checker, is_publishable
from adcli.copy.facts import ProductFacts, catalogue_facts
from adcli.copy.wording import is_chinese
from adcli.generate.choosing import Chooser, Scores, merits
from adcli.generate.infill import Sampling, Write, drafts, tuned_drafts
from adcli.generate.planning import Language, Pool, Rated, paths_for, pool_for, rated
from adcli.generate.sets import Encode, Said, make_set

SCHEMA: Mapping[str, pl.DataType] = {
    "ad_id": pl.String(), "item_id": pl.String(), "segment_id": pl.String(), "channel": pl.String(),
    "angle": pl.String(), "headline": pl.String(), "description": pl.String(), "text": pl.String(),
    "headlines": pl.List(pl.String()), "long_headlines": pl.List(pl.String()),
    "descriptions": pl.List(pl.String()), "paths": pl.List(pl.String()),
    "facts": pl.List(pl.String()), "flags": pl.List(pl.String()), "score": pl.Float64(),
    **{f"score_{name}": pl.Float64() for name in Scores._fields}, "model": pl.String(), "seed": pl.Int64(),
}  # fmt: skip
"""Columns of the ads table, in order."""
EXPLAINED: Mapping[str, pl.DataType] = {
    "fact_sources": pl.List(pl.String()),
    "click_moved_by": pl.List(pl.String()),
}
"""Further ones where each choice is explained."""


class Segment(NamedTuple):
    """An audience: its id, the words that mark it (`outdoor boots · hiking`), and its profile vector.

    A writer is told the audience by the vector where there is one, else in words.
    """

    segment_id: str
    name: str
    vector: tuple[float, ...] | None = None


class Job(NamedTuple):
    """One product for one audience; None is everybody."""

    product: ProductFacts
    segment: Segment | None

    @property
    def audience(self) -> str:
        """The words that mark the segment."""
        return self.segment.name if self.segment else ""


def generate_ads(
    products: pl.DataFrame,
    write: Write | None = None,
    *,
    encode: Encode | None = None,
    n: int = 3,
    channel: str = "google-search",
    seed: int = 0,
    candidates: int = 12,
    segments: Sequence[Segment] = (),
    language: Language = "auto",
    sampling: Sampling | None = None,
    model: str = "",
    on_products: Callable[[int], None] | None = None,
    batch: int = 16,
    knowledge: Mapping[str, Any] | None = None,
    checker: Checker | None = None,
    chooser: Chooser | None = None,
    explain: bool = False,
    claims: Literal["block", "flag"] = "block",
) -> pl.DataFrame:
    """At most `n` ads for every product and segment, in the order of the products.

    Args:
        products: A products table (`item_id`, `title`; further columns are read as attributes).
        write: A language model whose lines compete with the grammar's; None is the grammar alone.
        encode: Texts to (n, d) unit vectors, for likeness among ads; None goes by angles and openings.
        n: Most ads for each product and segment.
        channel: One of `CHANNELS`.
        seed: Of what decides among lines that are equally good.
        candidates: Descriptions that are checked for each product and segment, to choose from.
        segments: Audiences; none means ads for everybody, with a null `segment_id`.
        language: Of the ads; `auto` is that of each product's title.
        sampling: How the model is asked.
        model: Its name, for the column.
        on_products: Called with the number of products done so far.
        batch: Products whose lines are checked together.
        knowledge: What `catalogue_facts` is to know further: `reviews`, `own` facts, `label`.
        checker: Of claims, by market and brand; None is that of the default market.
        chooser: What lines that may run are scored by; None is the checker's margin alone.
        explain: Whether to say where an ad's facts stand and which words move its click rate (`EXPLAINED`).
        claims: Whether a line that a check blocks is left out (`block`) or kept with its flags, as a line
            that it only warns of is: one comes where nothing else is as good.

    Raises:
        UsageError: If there is no such channel.
    """
    form = channel_named(channel)
    catalogue = catalogue_facts(products.to_dicts(), **(knowledge or {}))
    judge = (checker or Checker()).knowing(catalogue.brands)
    audiences: Sequence[Segment | None] = segments or (None,)
    jobs = [Job(product, segment) for product in catalogue.products for segment in audiences]
    said, choice = Said(), chooser or Chooser(judge)
    rows: list[dict[str, object]] = []
    for start in range(0, len(jobs), batch):
        part = jobs[start : start + batch]
        pools = [_pool(job, form, judge, candidates, seed, language) for job in part]
        if write is not None:
            how = sampling or Sampling(candidates, seed=seed)
            pools = _with_drafts(part, pools, write, form, how, n, seed)
        for job, (pool, flags) in zip(part, _checked(part, pools, judge, claims), strict=True):
            segment_id = job.segment.segment_id if job.segment else None
            whose = Ad(job.product.item_id, segment_id, "", (), (), paths_for(job.product, form))
            required = " ".join(judge.must_say(job.product))
            pool, known = _chosen(pool, choice, job)
            scores = dict(pool.descriptions)
            for ad in make_set(whose, pool, form, n, said, encode, job.audience):
                row = _row(_with_required(ad, required), flags, form, model, seed)
                row |= {"score": scores[ad.descriptions[0]]}
                rows.append(row | _told(ad, known[ad.descriptions[0]], job, choice, explain=explain))
        if on_products:
            on_products((start + len(part)) // len(audiences))
    return pl.DataFrame(rows, schema={**SCHEMA, **(EXPLAINED if explain else {})}, orient="row")


def _pool(job: Job, channel: Channel, judge: Checker, candidates: int, seed: int, language: Language) -> Pool:
    """The lines of one job, with room for what the brand's rules ask ads to say."""
    required = " ".join(judge.must_say(job.product))
    return pool_for(
        job.product,
        channel,
        candidates=candidates,
        room=display_width(required) + 1 if required else 0,
        seed=seed,
        language=language,
        audience=job.audience,
    )


def _with_drafts(
    jobs: Sequence[Job],
    pools: Sequence[Pool],
    write: Write,
    channel: Channel,
    sampling: Sampling,
    n: int,
    seed: int,
) -> list[Pool]:
    """The pools with what the model writes, where it was tuned or the grammar has fewer than `n` angles."""
    few = [
        place
        for place, pool in enumerate(pools)
        if sampling.tuned or len({each.line.angle for each in pool.descriptions}) < n
    ]
    asked = [(jobs[place].product, jobs[place].audience) for place in few]
    if sampling.tuned:
        vectors = [job.segment.vector if job.segment else None for job in jobs]
        drafted = tuned_drafts(asked, vectors, write, channel, sampling)
    else:
        drafted = drafts(asked, write, channel, sampling)
    whole = list(pools)
    for place, whom, lines in zip(few, asked, drafted, strict=True):
        more = rated(lines, *whom, "descriptions", channel, seed)
        whole[place] = pools[place]._replace(descriptions=(*pools[place].descriptions, *more))
    return whole


def _with_required(ad: Ad, required: str) -> Ad:
    """The ad with what it must say at the end of each description, since a channel may show any of them."""
    if not required:
        return ad
    said = tuple(line._replace(text=f"{line.text} {required}") for line in ad.descriptions)
    return ad._replace(descriptions=said)


def _checked(
    jobs: Sequence[Job], pools: Sequence[Pool], judge: Checker, claims: str
) -> Iterator[tuple[Pool, dict[str, list[str]]]]:
    """The pools without the lines that may not run, and the rules that the others break, by text."""
    asked = [
        (rated.line.text, job.product)
        for job, pool in zip(jobs, pools, strict=True)
        for rated in (*pool.headlines, *pool.descriptions)
    ]
    found = iter(judge.findings([text for text, _ in asked], [product for _, product in asked]))
    for pool in pools:
        flags: dict[str, list[str]] = {}

        def kept(lines: Sequence[Rated], flags: dict[str, list[str]] = flags) -> Iterator[Rated]:
            for each in lines:
                faults = [fault for fault in next(found) if fault.rule != "brand.must_say"]
                flags[each.line.text] = [fault.rule for fault in faults]
                if claims == "flag" or is_publishable(faults):
                    yield each._replace(score=each.score - len(faults))

        yield Pool(tuple(kept(pool.headlines)), tuple(kept(pool.descriptions))), flags


def _chosen(pool: Pool, chooser: Chooser, job: Job) -> tuple[Pool, dict[Line, Scores]]:
    """The pool with what is known of its descriptions in their scores, and what that is."""
    segment_id = job.segment.segment_id if job.segment else None
    scores = chooser.scores([each.line.text for each in pool.descriptions], job.product, segment_id)
    bar = _bar(pool, scores)
    gained = [
        each._replace(score=each.score + gain)
        for each, known, gain in zip(pool.descriptions, scores, merits(scores).tolist(), strict=True)
        if each.line.source == "grammar" or bar is None or (known.fluency or bar) >= bar
    ]
    lines = [each.line for each in pool.descriptions]
    return pool._replace(descriptions=tuple(gained)), dict(zip(lines, scores, strict=True))


def _bar(pool: Pool, scores: Sequence[Scores]) -> float | None:
    """The likelihood that a model's line must reach: that of the grammar's most likely line."""
    own = [
        known.fluency
        for each, known in zip(pool.descriptions, scores, strict=True)
        if each.line.source == "grammar" and known.fluency is not None
    ]
    return max(own, default=None)


def _told(ad: Ad, scores: Scores, job: Job, chooser: Chooser, *, explain: bool) -> dict[str, object]:
    """What is known of the ad's first description, and why where that is asked for."""
    told: dict[str, object] = {f"score_{name}": value for name, value in scores._asdict().items()}
    if explain:
        told["fact_sources"] = [f"{fact.slot} {fact.said}: {fact.source}" for fact in ad.facts]
        segment_id = job.segment.segment_id if job.segment else None
        told["click_moved_by"] = chooser.moved_by(ad.descriptions[0].text, segment_id)
    return told


def _row(
    ad: Ad, flags: Mapping[str, Sequence[str]], channel: Channel, model: str, seed: int
) -> dict[str, object]:
    texts = {kind: [line.text for line in getattr(ad, kind)] for kind in FIELDS}
    headlines, descriptions = texts["headlines"], texts["descriptions"]
    identity = "\x1f".join([ad.item_id, channel.name, ad.segment_id or "", *headlines, *descriptions])
    stop = "" if headlines[0][-1] in ".!?。！？" else "。" if is_chinese(headlines[0]) else "."
    return {
        "ad_id": hashlib.blake2b(identity.encode(), digest_size=8).hexdigest(),
        "item_id": ad.item_id,
        "segment_id": ad.segment_id,
        "channel": channel.name,
        "angle": ad.angle,
        "headline": headlines[0],
        "description": descriptions[0],
        "text": f"{headlines[0]}{stop}{'' if stop == '。' else ' '}{descriptions[0]}",
        **texts,
        "facts": [fact.said for fact in ad.facts],
        "flags": sorted({rule for line in ad.lines for rule in flags.get(line.text, ())}),
        "model": model if any(line.source == "model" for line in ad.lines) else "grammar",
        "seed": seed,
    }
