"""`adcli optimize apply`."""

from __future__ import annotations

from pathlib import Path

import typer

from adcli.cli.command import command
from adcli.cli.options import Inputs
from adcli.cli.run import Run
from adcli.cli.users import Profiles, Users, with_profiles, with_users


@command
def apply(
    run: Run,
    policy: Path = typer.Argument(
        metavar="POLICY", help="Directory of `adcli optimize policy`.", show_default=False
    ),
    inputs: Inputs = None,
    users: Users = None,
    profiles: Profiles = None,
    greedy: bool = typer.Option(False, "--greedy", help="Take the likeliest action instead of sampling one."),
    explain: bool = typer.Option(
        False, "--explain", help="Say what each feature adds to the score of what was chosen, as JSON."
    ),
) -> None:
    """Give each context its action (item, placement, hour) and the probability it was chosen with.

    \b
    Examples:
      adcli optimize apply policy contexts.parquet -o decisions.parquet
      adcli clean today.csv | adcli optimize apply policy - --to csv
      adcli optimize apply policy contexts.parquet --explain -o explained.parquet
    """
    from adcli.optimize.apply import apply_policy
    from adcli.policies.constrained import context_columns, limits_of_a_run, with_missing_context
    from adcli.policies.history import SO_FAR, with_impressions_so_far
    from adcli.policies.store import load_policy

    chosen = load_policy(run.learned(policy))
    contexts = run.read(inputs, tables=["impressions", "contexts"])
    contexts = with_users(run, contexts, users, context_columns(chosen))
    contexts = with_profiles(run, contexts, profiles)
    if SO_FAR in context_columns(chosen):
        contexts = with_impressions_so_far(contexts)
    contexts, missing = with_missing_context(chosen, contexts)
    if missing:
        run.warn(
            f"the policy was learned with {', '.join(missing)}, which this input lacks: taken as missing in "
            "all rows (--map names a column, --users adds those of users)."
        )
    if rules := limits_of_a_run(chosen):
        run.note(f"{', '.join(rules)}: kept within this run, which knows nothing of what others used.")
    with run.step("apply"):
        decisions = apply_policy(chosen, contexts, seed=run.seed, greedy=greedy, explained=explain)
    run.write(decisions)
