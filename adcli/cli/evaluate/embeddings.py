"""`adcli evaluate embeddings`."""

from __future__ import annotations

from typing import Annotated

import typer

from adcli.cli.command import command
from adcli.cli.option_rules import Needs
from adcli.cli.options import Confidence, Inputs, Reporting, Tracking, moment_of
from adcli.cli.reporting import Answer, deliver, recorder
from adcli.cli.run import Run


@command
def embeddings(
    run: Run,
    reporting: Reporting,
    tracking: Tracking,
    inputs: Inputs = None,
    products: str | None = typer.Option(
        None, help="Products, for their categories and titles.", show_default="the vectors' own"
    ),
    events: str | None = typer.Option(None, help="Events, for next-item retrieval."),
    since: Annotated[str | None, Needs("events")] = typer.Option(
        None,
        metavar="TIME",
        help="Split events into past and future at this time (UTC).",
        show_default="each user's last item",
    ),
    k: list[int] = typer.Option(
        [], "-k", min=1, help="Cut-off of recall and NDCG; repeat for more.", show_default="1 5 10 20"
    ),
    confidence: Confidence = 0.95,
) -> None:
    """Retrieval and geometry of embeddings: recall, MRR, NDCG, anisotropy, uniformity; a map and neighbours.

    \b
    Examples:
      adcli evaluate embeddings vectors.parquet --products products.parquet --report map.html
      adcli evaluate embeddings vectors.parquet --events events.parquet --since 2024-05-01
    """
    from adcli.evaluate.embeddings.page import embeddings_page
    from adcli.evaluate.embeddings.table import KS, embedding_table

    record = recorder(run, tracking)
    vectors = run.read(inputs, tables=["vectors"])
    catalogue = run.read([products], tables=["products"], secondary=True) if products else None
    log = run.read([events], tables=["events"], secondary=True) if events else None
    with run.step("embeddings"):
        table = embedding_table(
            vectors,
            products=catalogue,
            events=log,
            since=None if since is None else moment_of(since, "--since"),
            ks=sorted(set(k)) or KS,
            confidence=confidence,
            seed=run.seed,
        )
    page = embeddings_page(table, vectors, catalogue, seed=run.seed)
    deliver(run, Answer(table, page), reporting, record)
