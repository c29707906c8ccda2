"""`adcli generate`: ads for products."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from adcli.cli.checking import Checking, checker_of, own_facts_of, warn_of_unknown_items
from adcli.cli.choosing import Choosing, chooser_of
from adcli.cli.command import command
from adcli.cli.options import Inputs, Models
from adcli.cli.publishing import Publishing, open_exports, publish
from adcli.cli.run import Run
from adcli.cli.users import read_segments
from adcli.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.copy.roles import LabelRoles
    from adcli.core.encoding.encoder import Encoder
    from adcli.core.writing.writer import Writer
    from adcli.generate.ads import Segment


GOOD_HEADLINES = 8  # of an ad whose channel combines them


@command
def generate(
    run: Run,
    models: Models,
    checking: Checking,
    choosing: Choosing,
    publishing: Publishing,
    inputs: Inputs = None,
    n: int = typer.Option(3, "-n", min=1, help="Ads for each product and segment."),
    channel: str = typer.Option(
        "google-search",
        help="Advertising channel: google-search, google-pmax, google-display, microsoft-search, "
        "meta-feed, email, push, taobao or plain.",
    ),
    profiles: str | None = typer.Option(
        None, help="Profiles with segments, from `adcli embed --segments`: ads for each segment."
    ),
    lang: Literal["auto", "en", "zh"] = typer.Option(
        "auto", help="Language of the ads: auto is that of each product's title."
    ),
    model: str = typer.Option(
        "smollm2",
        help="Language model that says which sentences read well and writes some: directory, short name or "
        "hub name; none is the grammar alone.",
    ),
    adapter: Path | None = typer.Option(
        None, metavar="DIR", help="Directory of `adcli optimize writer`.", rich_help_panel="Models"
    ),
    judge: str = typer.Option("minilm", help="Encoder by which the ads of a product are told apart."),
    candidates: int = typer.Option(12, min=1, help="Descriptions to choose from, per product and segment."),
    temperature: float = typer.Option(0.6, min=0.0, help="Sampling temperature; 0 is greedy decoding."),
    top_p: float = typer.Option(0.9, min=0.01, max=1.0, help="Nucleus sampling: least probability mass."),
    exact: bool = typer.Option(False, "--exact", help="Compute in fp32 on any device."),
    facts_only: bool = typer.Option(
        False, "--facts-only", help="Write the facts that ads may use, one row a fact, and no ads."
    ),
    roles: Path | None = typer.Option(
        None,
        metavar="DIR",
        help="Read what things do off semantic roles: a directory of adcli optimize roles.",
        rich_help_panel="Models",
    ),
    reviews: str | None = typer.Option(None, help="Reviews (item_id, text): benefits in customers' words."),
    claims: Literal["block", "flag"] = typer.Option(
        "block", help="What becomes of what a check blocks: left out, or shown with flags."
    ),
) -> None:
    """Write honest ads from product texts: each of a set from another angle, all said on record.

    \b
    Examples:
      adcli generate products.parquet -n 3 -o ads.jsonl
      adcli generate products.parquet --facts-only -o facts.ndjson
      adcli clean catalogue.csv | adcli generate - --channel email --seed 7 -o ads.csv
      adcli generate products.parquet --export google-ads-editor=upload --review review.csv -o ads.jsonl
    """
    from adcli.copy.channels import channel_named
    from adcli.generate.ads import generate_ads
    from adcli.generate.infill import Sampling
    from adcli.generate.links import check_pages, with_final_urls

    channel_named(channel)
    exports = open_exports(run, publishing, channel)
    products = run.read(inputs, tables=["products"])
    if exports:
        check_pages(products)
    knowledge: dict[str, Any] = {"reviews": _reviews(run, reviews), "own": own_facts_of(run, checking)}
    warn_of_unknown_items(run, knowledge["own"], products["item_id"])
    if roles is not None:
        knowledge["label"] = _labeller(run, roles, models)
    if facts_only:
        _write_facts(run, products, knowledge)
        return
    audiences = _segments(run, profiles, adapter) if profiles else []
    checker = checker_of(run, checking, models, frozenset())
    with run.step("load"):
        writer, encoder = _load(run, models, model, adapter, judge, exact=exact)
    with run.step("write"), run.console.progress("writing", products.height, "products") as advance:
        done = 0

        def on_products(count: int) -> None:
            nonlocal done
            advance(count - done)
            done = count

        ads = generate_ads(
            products,
            _Drafts(writer) if writer else None,
            encode=encoder.encode,
            n=n,
            channel=channel,
            seed=run.seed,
            candidates=candidates,
            segments=audiences,
            language=lang,
            sampling=Sampling(
                candidates, temperature, top_p, run.seed, writer.has_chat_template, adapter is not None
            )
            if writer
            else None,
            model=writer.source.name if writer else "",
            on_products=on_products,
            knowledge=knowledge,
            checker=checker,
            chooser=chooser_of(
                run, choosing, models, checker, encoder.encode, writer, judge=judge, adapter=adapter
            ),
            explain=choosing.explain,
            claims=claims,
        )
    ads = with_final_urls(ads, products, publishing.campaign)
    publish(run, ads, products, publishing, exports)
    run.write(ads)
    told = f"{ads.height:,} ads for {products.height:,} products"
    if lang == "zh":
        run.note("Chinese ads are those of a phrase grammar.")
    run.note(f"{told}.")
    silent = products.filter(~products["item_id"].is_in(ads["item_id"].to_list()))
    if silent.height:
        some = ", ".join(silent["item_id"].head(3)) + (" and others" if silent.height > 3 else "")
        run.note(
            f"{silent.height:,} products have too little on record for an ad ({some}): it takes two facts, "
            "such as a material, a feature, what it holds, whom it is for."
        )
    if ads.height and channel_named(channel).headlines.most > GOOD_HEADLINES:
        counts = ads["headlines"].list.len().to_list()
        few = sum(count < GOOD_HEADLINES for count in counts)
        run.note(
            f"{sum(counts) / len(counts):.1f} headlines an ad; {few:,} ads have fewer than {GOOD_HEADLINES}: "
            "a product's ads share none, so that a smaller -n gives each more."
        )


def _labeller(run: Run, directory: Path, models: Models) -> LabelRoles:
    from adcli.core.roles.labeller import RoleLabeller

    labeller = RoleLabeller.load(run.learned(directory), device=models.device, precision=models.precision)
    return labeller.read


def _write_facts(run: Run, products: pl.DataFrame, knowledge: dict[str, Any]) -> None:
    from adcli.copy.facts import catalogue_facts, facts_table

    with run.step("facts"):
        catalogue = catalogue_facts(products.to_dicts(), **knowledge)
        table = facts_table(catalogue.products)
    run.write(table)
    known = sum(len(product.facts) >= 4 for product in catalogue.products)
    run.note(f"{table.height:,} facts of {products.height:,} products; {known:,} products have four or more.")


def _reviews(run: Run, path: str | None) -> dict[str, list[str]]:
    """What customers say of each product; those with ratings the best first."""
    if path is None:
        return {}
    table = run.read([path], tables=["reviews"], secondary=True)
    if "rating" in table.columns:
        table = table.sort("rating", descending=True, maintain_order=True)
    said: dict[str, list[str]] = {}
    for item_id, text in table.select("item_id", "text").drop_nulls().iter_rows():
        said.setdefault(item_id, []).append(text)
    return said


class _Drafts:
    """A writer as `generate_ads` calls it: drafts depend on their prompt, not on its position."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __call__(
        self, prompts: Sequence[str] | Sequence[list[dict[str, str]]], **how: Any
    ) -> list[list[str]]:
        rows = [zlib.crc32(json.dumps(prompt).encode()) for prompt in prompts]
        return self._writer.write(list(prompts), rows=rows, **how)


def _load(
    run: Run, models: Models, model: str, adapter: Path | None, judge: str, *, exact: bool
) -> tuple[Writer | None, Encoder]:
    from adcli.core.encoding.encoder import Encoder
    from adcli.core.writing.writer import Writer

    where: dict[str, Any] = {"device": models.device, "precision": models.precision, "exact": exact}
    if adapter is not None:
        if model == "none":
            raise UsageError("--adapter is of a language model, and --model none is none.")
        run.learned(adapter)
    writer = (
        Writer.load(model, adapter=adapter, processes=models.processes, **where) if model != "none" else None
    )
    encoder = Encoder.load(judge, **where)
    for note in (*(writer.notes if writer else ()), *encoder.notes):
        run.console.detail(note)
    run.facts["models"] = {"judge": encoder.source.name}
    if writer:
        run.facts["models"] |= {"writer": writer.source.name, "notes": writer.notes}
    return writer, encoder


def _segments(run: Run, profiles: str, adapter: Path | None) -> list[Segment]:
    """The segments to write for, with their vectors where the adapter is told audiences by those."""
    from adcli.core.adapters.adapter import describe_adapter
    from adcli.generate.ads import Segment

    found = read_segments(run, profiles)
    audience = describe_adapter(adapter).get("audience", {}) if adapter else {}
    vectors: list[tuple[float, ...] | None] = [None] * len(found.ids)
    if audience.get("told_by") == "vectors":
        vectors = list(map(tuple, found.directions().tolist()))
    return sorted(map(Segment, found.ids, found.names, vectors))
