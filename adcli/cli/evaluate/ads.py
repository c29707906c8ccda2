"""`adcli evaluate ads`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adcli.cli.checking import Checking, checker_of, own_facts_of, warn_of_unknown_items
from adcli.cli.command import command
from adcli.cli.encoding import EncoderOptions, TextEncoder
from adcli.cli.option_rules import Excludes
from adcli.cli.options import Confidence, Inputs, Models, Reporting, Tracking
from adcli.cli.reporting import Answer, deliver, recorder
from adcli.cli.run import Run

if TYPE_CHECKING:
    import polars as pl

    from adcli.copy.checker import Checker
    from adcli.copy.facts import Catalogue
    from adcli.evaluate.ads.table import Likelihood


@command
def ads(
    run: Run,
    encoding: EncoderOptions,
    models: Models,
    reporting: Reporting,
    tracking: Tracking,
    checking: Checking,
    inputs: Inputs = None,
    products: str | None = typer.Option(None, help="Products, to check claims against."),
    references: str | None = typer.Option(
        None, help="Reference texts: text, and the ad_id or item_id each belongs to."
    ),
    by: list[str] = typer.Option([], help="Break down by this column; repeat for more."),
    rating: list[str] = typer.Option(
        [], help="Column of human ratings, to correlate the measures with; repeat."
    ),
    impressions: str | None = typer.Option(
        None, help="Impressions of the ads (ad_id, click), to correlate the measures with CTR."
    ),
    perplexity_of: str | None = typer.Option(
        None, help="Language model to take the perplexity of the ads under."
    ),
    each: Annotated[
        bool, Excludes("references", "by", "rating", "impressions", "perplexity_of", "report")
    ] = typer.Option(False, "--each", help="One row an ad: whether it may run, and what is wrong with it."),
    confidence: Confidence = 0.95,
) -> None:
    """Quality of ads before they run: fit, claims, readability, diversity, perplexity, references.

    \b
    Examples:
      adcli evaluate ads ads.jsonl --products products.parquet --report ads.html
      adcli evaluate ads ads.jsonl --products products.parquet --market eu --each -o verdicts.ndjson
      adcli evaluate ads ads.jsonl --references slogans.csv --perplexity-of smollm2
      adcli evaluate ads ads.jsonl --rating stars --impressions impressions.parquet
    """
    from adcli.copy.facts import catalogue_facts
    from adcli.evaluate.ads.page import ads_page
    from adcli.evaluate.ads.table import ad_table, with_click_rates

    record = recorder(run, tracking)
    written = run.read(inputs, tables=["ads"])
    about = run.read([products], tables=["products"], secondary=True) if products else None
    own = own_facts_of(run, checking)
    warn_of_unknown_items(run, own, about["item_id"] if about is not None else ())
    catalogue = catalogue_facts(about.to_dicts() if about is not None else (), own=own)
    checker = checker_of(run, checking, models, catalogue.brands)
    if each:
        _write_verdicts(run, written, catalogue, checker)
        return
    by, rating = run.columns(by), run.columns(rating)
    if impressions is not None:
        log = run.read([impressions], tables=["impressions"], secondary=True)
        written, rating = with_click_rates(written, log), [*rating, "ctr"]
    compared = run.read([references], tables=["references"], secondary=True) if references else None
    with run.step("measure"):
        table = ad_table(
            written,
            products=catalogue.products if about is not None else None,
            checker=checker,
            references=compared,
            by=by,
            ratings=rating,
            encode_tokens=TextEncoder(run, encoding, models).tokens,
            likelihood=_likelihood(models, perplexity_of) if perplexity_of else None,
            confidence=confidence,
        )
    deliver(run, Answer(table, ads_page(table, written)), reporting, record)


def _write_verdicts(run: Run, ads: pl.DataFrame, catalogue: Catalogue, checker: Checker) -> None:
    from adcli.evaluate.ads.table import ad_verdicts

    with run.step("check"):
        verdicts = ad_verdicts(ads, catalogue.products, checker)
    run.write(verdicts)
    run.note(f"{int(verdicts['publishable'].sum()):,} of {verdicts.height:,} ads may run.")


def _likelihood(models: Models, model: str) -> Likelihood:
    """Texts to their log-likelihoods and token counts under a language model."""
    from adcli.core.writing.writer import Writer

    writer = Writer.load(model, device=models.device, precision=models.precision)

    def likelihood(texts: Sequence[str]) -> Any:
        found = writer.log_likelihood(texts)
        return found.log_likelihood, found.tokens

    return likelihood
