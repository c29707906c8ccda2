"""`adcli clean --report`, `--expect`: what the table is like, and whether it has the columns it should."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from adcli.clean.rules import RuleCheck
from adcli.cli.clean_privacy import Protection
from adcli.cli.option_rules import option_group
from adcli.cli.options import Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run
from adcli.errors import DataError, GateError

if TYPE_CHECKING:
    import polars as pl

    from adcli.clean.quality import BrokenRule, Quality
    from adcli.tables.read import TableStream

_MOST_INPUTS = 50  # whose drift is looked at


@option_group("Output")
class Expecting:
    """What the table should be."""

    expect: Path | None = typer.Option(
        None,
        metavar="SCHEMA.json",
        help="Fail with exit code 4 if columns or their types differ from this Table Schema, or from the "
        "manifest of an earlier output.",
    )


class Watching:
    """Watches a table while it is cleaned, for its page and its schema."""

    def __init__(self, run: Run, stream: TableStream, reporting: Reporting, expect: Path | None) -> None:
        from adcli.tables.schema import read_schema

        self._run = run
        self._table = stream.table.name
        self._reporting = reporting
        self._expect = expect
        self._expected = read_schema(expect) if expect is not None else {}
        self._quality: Quality | None = None
        if reporting.report is not None or reporting.plots is not None:
            from adcli.clean.quality import Quality

            quality = self._quality = Quality()
            stream.watch = lambda batch: quality.read(batch.frame, batch.file, batch.rejects.height)

    def checked(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames that are written. Raises GateError if their columns are not those expected."""
        from adcli.tables.schema import differences, table_schema

        for number, frame in enumerate(frames):
            if not number:
                self._run.facts["schema"] = table_schema(frame)
                if self._expect is not None and any(found := differences(self._expected, frame)):
                    raise GateError(f"The columns are not those of {self._expect}: {found}.")
            yield frame

    def watched(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames, of which the page is made."""
        return frames if self._quality is None else self._quality.passing(frames)

    def publish(self, check: RuleCheck, protection: Protection) -> None:
        """Write the page, and end the run with what it says first."""
        if self._quality is None:
            return
        import polars as pl

        from adcli.clean.quality import quality_page

        page = quality_page(
            self._quality,
            table=self._table,
            drift=_drift(self._quality, protection.columns),
            rules=_broken(check, protection),
            rejected=pl.DataFrame(self._run.rejected(), ["reason", "rows"], orient="row"),
        )
        publish(self._run, page, self._reporting)
        self._run.answer(page.answer)


def _broken(check: RuleCheck, protection: Protection) -> list[BrokenRule]:
    """The rules that rows broke, with examples in which nothing shows that is hidden."""
    from adcli.clean.quality import BrokenRule

    found = []
    for rule in check.rules:
        examples = check.examples.get(rule.name)
        rows = [] if examples is None else protection.hidden(examples).to_dicts()
        said = "; ".join(", ".join(f"{name} {_plain(value)}" for name, value in row.items()) for row in rows)
        if count := check.counts[rule.name]:
            found.append(BrokenRule(rule.name, rule.reason, count, rule.default, said))
    return found


def _plain(value: object) -> str:
    return f"{float(value):g}" if isinstance(value, Decimal) else str(value)


def _drift(quality: Quality, hidden: list[str]) -> pl.DataFrame:
    """How each input differs from those before it, in columns that are not hidden."""
    import polars as pl

    from adcli.evaluate.model.drift import drift_table

    samples = [
        (file, sample.frame.drop(hidden, strict=False))
        for file, sample in list(quality.inputs.items())[:_MOST_INPUTS]
    ]
    schema = {"input": pl.String, "column": pl.String, "psi": pl.Float64, "verdict": pl.String}
    parts = [pl.DataFrame(schema=schema)]
    for place, (file, sample) in enumerate(samples[1:], 1):
        before = pl.concat([one for _, one in samples[:place]], how="diagonal_relaxed")
        try:
            found = drift_table(before, sample).filter(pl.col("metric") == "psi")
        except DataError:  # no rows, or no column that both have
            continue
        parts.append(
            found.select(pl.lit(file).alias("input"), column="group", psi="value", verdict="verdict")
        )
    return pl.concat(parts, how="vertical_relaxed")
