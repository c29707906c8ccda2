"""`adcli optimize apply`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from adcli.cli.command import command
from adcli.cli.option_rules import Needs
from adcli.cli.options import Inputs, Models
from adcli.cli.run import Run
from adcli.cli.text_model import TextModel, with_text_scores
from adcli.cli.users import Profiles, Users, beside_users


@command
def apply(
    run: Run,
    models: Annotated[Models, Needs("text_model")],
    policy: Path = typer.Argument(
        metavar="POLICY", help="Directory of `adcli optimize policy`.", show_default=False
    ),
    inputs: Inputs = None,
    users: Users = None,
    profiles: Profiles = None,
    items: str | None = typer.Option(
        None, help="Texts of the items, for --text-model: the products learned with."
    ),
    text_model: TextModel = None,
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
    import polars as pl

    from adcli.optimize.apply import apply_in_blocks
    from adcli.policies.constrained import (
        ConstrainedPolicy,
        context_columns,
        limits_of_a_run,
        with_missing_context,
    )
    from adcli.policies.history import SO_FAR, with_impressions_so_far
    from adcli.policies.store import load_policy

    chosen = load_policy(run.learned(policy))
    wanted = context_columns(chosen)
    contexts = run.spool(inputs, tables=["impressions", "contexts"])
    spool = beside_users(run, contexts, users, profiles, wanted)
    blocks: Iterable[pl.DataFrame] = spool.frames()
    columns = pl.DataFrame(schema=spool.schema)
    if SO_FAR in wanted or (isinstance(chosen, ConstrainedPolicy) and chosen.rules.count_rows):
        whole = with_impressions_so_far(spool.mapped()) if SO_FAR in wanted else spool.mapped()
        blocks, columns = [whole], whole.clear()
    texts = run.read([items], tables=["products", "item_features"], secondary=True) if items else None
    _, missing = with_missing_context(chosen, columns)
    if missing:
        run.warn(
            f"the policy was learned with {', '.join(missing)}, which this input lacks: taken as missing in "
            "all rows (--map names a column, --users adds those of users)."
        )
    if rules := limits_of_a_run(chosen):
        run.note(f"{', '.join(rules)}: kept within this run, which knows nothing of what others used.")
    complete = (
        with_text_scores(
            run, with_missing_context(chosen, block)[0], chosen.actions, texts, text_model, models
        )
        for block in blocks
    )
    run.write(apply_in_blocks(chosen, complete, seed=run.seed, greedy=greedy, explained=explain))
