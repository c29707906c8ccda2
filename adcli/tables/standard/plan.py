"""The plan by which one input is read as a standard table, the same for every block of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from adcli.tables.standard.clock import source_values
from adcli.tables.standard.column_format import ColumnFormat
from adcli.tables.standard.column_mapping import ColumnMapping
from adcli.tables.standard.identities import format_key
from adcli.tables.standard.inference import ColumnEvidence
from adcli.tables.standard.tables import Column


@dataclass(frozen=True)
class ReadPlan:
    """All that is decided about an input before its rows are read."""

    mapping: ColumnMapping  # where its columns go
    # how its columns write their values, by standard column
    formats: Mapping[str, ColumnFormat] = field(default_factory=dict)
    # standard columns that the table has, if only empty ones: other inputs have them
    columns: frozenset[str] = frozenset()
    # standard columns that must have a value on each row, beside those that the table requires
    needs: frozenset[str] = frozenset()
    fine_times: bool = False  # whether any `event_time` has a fraction of a second; known when all is read

    def format(self, column: str) -> ColumnFormat:
        """How the source of a standard column writes its values."""
        return self.formats.get(column, ColumnFormat())

    def as_json(self) -> dict[str, Any]:
        """The plan as plain values, for the manifest: what is at its default is left out."""
        plain = asdict(ColumnFormat())
        formats = {
            name: {key: value for key, value in asdict(form).items() if value != plain[key]}
            for name, form in self.formats.items()
        }
        derivation = self.mapping.derivation
        return {
            "table": self.mapping.table.name,
            "columns": dict(self.mapping.sources),
            "fallbacks": {name: others for name, others in self.mapping.fallbacks.items() if others},
            "time_of_day": self.mapping.clock,
            "constants": dict(self.mapping.constants),
            "event_type": None if derivation is None else derivation.event_type,
            "formats": {name: said for name, said in formats.items() if said},
            "fine_times": self.fine_times,
        }

    def notes(self) -> list[str]:
        """What was decided from the values and is not visible in them, one clause each."""
        whole = [name for name, form in self.formats.items() if form.whole_decimals]
        said = [f"{', '.join(whole)}: written as decimals like 17850.0, taken as 17850"] if whole else []
        for name, form in self.formats.items():
            said += [f"{name}: {one}" for one in (*form.time.notes(), *form.number.notes())]
        return said


def source_columns(mapping: ColumnMapping, frame: pl.DataFrame) -> dict[Column, pl.Series]:
    """The values of the source of each standard column that the rows in `frame` have."""
    own = {
        column: source_values(frame, mapping.sources, mapping.clock, column.name)
        for column in mapping.table.columns
    }
    further = {
        Column(format_key(source), "string"): frame[source]
        for others in mapping.fallbacks.values()
        for source in others
        if source in frame.columns
    }
    return {column: values for column, values in own.items() if values is not None} | further


def evidence_of(
    frame: pl.DataFrame, mapping: ColumnMapping, before: Mapping[str, ColumnEvidence]
) -> dict[str, ColumnEvidence]:
    """What more rows of an input, as they stand, say about its columns after what was known `before`."""
    found = {
        column.name: before.get(column.name, ColumnEvidence()).updated(values, column)
        for column, values in source_columns(mapping, frame).items()
    }
    return {**before, **found}
