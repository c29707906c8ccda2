"""`adcli optimize`: who sees what, where, when and at which bid."""

from __future__ import annotations

from adcli.cli.commands import Commands
from adcli.cli.optimize.apply import apply
from adcli.cli.optimize.bids import bids
from adcli.cli.optimize.budget import budget
from adcli.cli.optimize.encoder import encoder
from adcli.cli.optimize.forecast import forecast
from adcli.cli.optimize.policy import policy
from adcli.cli.optimize.roles import roles
from adcli.cli.optimize.stream import stream
from adcli.cli.optimize.writer import writer

app = Commands(
    no_args_is_help=True, rich_markup_mode=None, help="Who sees what, where and when, and what to bid."
)
app.command(short_help="Who should be shown what?")(policy)
app.command(short_help="What to show to each of these users?")(apply)
app.command(short_help="What to show next, learning from each reward?")(stream)
app.command(short_help="What to bid in auctions?")(bids)
app.command(short_help="Which campaign should get how much?")(budget)
app.command(short_help="Which customers come back, and what are they worth?")(forecast)
app.command(short_help="How can vectors learn from the shop's behaviour?")(encoder)
app.command(short_help="What do product texts say of who does what with a thing?")(roles)
app.command(short_help="How can the writer of ads learn from ads and their clicks?")(writer)
