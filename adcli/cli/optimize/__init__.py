"""`adcli optimize`: who sees what, where, when and at which bid."""

from __future__ import annotations

import typer

from adcli.cli.optimize.apply import apply
from adcli.cli.optimize.encoder import encoder
from adcli.cli.optimize.policy import policy

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who sees what, where and when.")
app.command()(policy)
app.command()(apply)
app.command()(encoder)
