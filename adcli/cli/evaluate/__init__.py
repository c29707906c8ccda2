"""`adcli evaluate`: what it really earned, and how sure we are."""

from __future__ import annotations

import typer

from adcli.cli.evaluate.ab import ab
from adcli.cli.evaluate.ads import ads
from adcli.cli.evaluate.bids import bids
from adcli.cli.evaluate.embeddings import embeddings
from adcli.cli.evaluate.model import model
from adcli.cli.evaluate.policy import policy
from adcli.cli.evaluate.rates import rates
from adcli.cli.evaluate.uplift import uplift

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="What it really earned, and how sure we are."
)
app.command()(rates)
app.command()(ab)
app.command()(policy)
app.command()(bids)
app.command()(embeddings)
app.command()(ads)
app.command()(model)
app.command()(uplift)
