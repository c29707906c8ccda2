"""How inputs are read, where the user says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adcli.tables.formats.layout import GivenLayout
from adcli.tables.memory import table_bytes
from adcli.tables.standard.column_format import GivenFormats


@dataclass(frozen=True)
class ReadOptions(GivenLayout):
    """How inputs are read, where the user says so.

    Attributes:
        column_map: Source column of standard columns named by hand.
        constants: Standard columns that hold one value on each row.
        table: The standard table that the inputs are, instead of looking.
        given: How values are written, instead of looking.
        verify: Whether an input is checked against the manifest beside it.
        memory: The most bytes that a table may take in memory.
        query: The SQL whose rows are read of a database.
        is_beside: Whether they are read beside others, of whose columns `column_map` may speak.
    """

    column_map: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    table: str | None = None
    given: GivenFormats = field(default_factory=GivenFormats)
    verify: bool = True
    memory: int = field(default_factory=lambda: table_bytes(None))
    query: str | None = None
    is_beside: bool = False
