"""`adcli evaluate`: what it really earned, and how sure we are."""

from __future__ import annotations

from adcli.cli.commands import Commands
from adcli.cli.evaluate.ab import ab
from adcli.cli.evaluate.ads import ads
from adcli.cli.evaluate.bids import bids
from adcli.cli.evaluate.embeddings import embeddings
from adcli.cli.evaluate.model import model
from adcli.cli.evaluate.policy import policy
from adcli.cli.evaluate.rates import rates
from adcli.cli.evaluate.uplift import uplift

app = Commands(
    no_args_is_help=True, rich_markup_mode=None, help="What it really earned, and how sure we are."
)
app.command(short_help="What is clicked, bought and earned, by whom, where and when?")(rates)
app.command(short_help="Which of two ads (or pages, prices, …) is better?")(ab)
app.command(short_help="What would another policy have earned?")(policy)
app.command(short_help="Which bidder wins most for its budget?")(bids)
app.command(short_help="Do vectors find what belongs together?")(embeddings)
app.command(short_help="Are these ads true, readable and varied?")(ads)
app.command(short_help="Can the predicted probabilities be trusted?")(model)
app.command(short_help="Does a score find those whom an ad moves?")(uplift)
