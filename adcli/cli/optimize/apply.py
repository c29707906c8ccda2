"""`adcli optimize apply`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Inputs
from adcli.cli.run import Run
from adcli.cli.users import Profiles, Users, with_profiles, with_users


@command
def apply(
    run: Run,
    policy: Annotated[
        Path,
        typer.Argument(metavar="POLICY", help="Directory of `adcli optimize policy`.", show_default=False),
    ],
    inputs: Inputs = None,
    users: Users = None,
    profiles: Profiles = None,
    greedy: Annotated[
        bool, typer.Option("--greedy", help="Take the likeliest action instead of sampling one.")
    ] = False,
) -> None:
    """Give each context its action, its placement and the probability it was chosen with.

    \b
    Examples:
      adcli optimize apply policy contexts.parquet -o decisions.parquet
      adcli clean today.csv | adcli optimize apply policy - --to csv
    """
    from adcli.optimize.apply import apply_policy
    from adcli.policies.policy import ScoredPolicy
    from adcli.policies.store import load_policy

    chosen = load_policy(run.learned(policy))
    contexts = run.read(inputs, tables=["impressions", "contexts"])
    learned_with = chosen.encoder.columns if isinstance(chosen, ScoredPolicy) else []
    contexts = with_profiles(run, with_users(run, contexts, users, learned_with), profiles)
    with run.step("apply"):
        decisions = apply_policy(chosen, contexts, seed=run.seed, greedy=greedy)
    run.write(decisions)
