"""How inputs are read, where the user says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adcli.tables.formats.layout import GivenLayout
from adcli.tables.memory import table_bytes
from adcli.tables.standard.column_format import GivenFormats


@dataclass(frozen=True)
class ReadOptions:
    """How inputs are read, where the user says so.

    Attributes:
        format: One of the known formats, instead of looking.
        delimiter: What separates the fields of delimited text, instead of looking.
        quote: What encloses them, or `none`, instead of looking.
        escape: What stands in them before a character that has no meaning of its own.
        skip_lines: How many lines at the start are no part of the table.
        comment: What begins lines that are no rows.
        log_format: How each line of a web server's log is written, as the server is told it.
        encoding: How text is encoded, instead of looking.
        column_map: Source column of standard columns named by hand.
        constants: Standard columns that hold one value on each row.
        table: The standard table that the inputs are, instead of looking.
        given: How values are written, instead of looking.
        verify: Whether an input is checked against the manifest beside it.
        memory: The most bytes that a table may take in memory.
        sheet: The sheet of a workbook, where several have cells.
        query: The SQL whose rows are read of a database.
        is_beside: Whether they are read beside others, of whose columns `column_map` may speak.
    """

    format: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    skip_lines: int = 0
    comment: str | None = None
    log_format: str | None = None
    encoding: str | None = None
    column_map: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    table: str | None = None
    given: GivenFormats = field(default_factory=GivenFormats)
    verify: bool = True
    memory: int = field(default_factory=lambda: table_bytes(None))
    sheet: str | None = None
    query: str | None = None
    is_beside: bool = False

    @property
    def layout(self) -> GivenLayout:
        """What is said of the layout of text."""
        return GivenLayout(
            self.delimiter, self.quote, self.escape, self.skip_lines, self.comment, self.log_format
        ).checked()
