"""How inputs are read, where the user says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adcli.tables.formats.layout import GivenLayout
from adcli.tables.memory import table_bytes
from adcli.tables.standard.column_format import GivenFormats


@dataclass(frozen=True)
class ReadOptions(GivenLayout):
    """How inputs are read, where the user says so."""

    # source column of standard columns named by hand
    column_map: Mapping[str, str] = field(default_factory=dict)
    # standard columns that hold one value on each row
    constants: Mapping[str, str] = field(default_factory=dict)
    table: str | None = None  # the standard table that the inputs are, instead of looking
    given: GivenFormats = field(default_factory=GivenFormats)  # how values are written, instead of looking
    verify: bool = True  # whether an input is checked against the manifest beside it
    # the most bytes that a table may take in memory
    memory: int = field(default_factory=lambda: table_bytes(None))
    query: str | None = None  # the SQL whose rows are read of a database
    is_beside: bool = False  # whether they are read beside others, of whose columns `column_map` may speak
