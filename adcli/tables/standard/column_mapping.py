"""Where the columns of one input go in a standard table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from adcli.errors import DataError, UsageError, did_you_mean, printable
from adcli.tables.aliases import currency_of, normalised, without_currency
from adcli.tables.standard.clock import DateAndTime, date_and_time
from adcli.tables.standard.coerce import coerce
from adcli.tables.standard.events import Derivation, derive_event_type, has_known_types
from adcli.tables.standard.identities import IDENTITY, identities
from adcli.tables.standard.inference import ColumnEvidence
from adcli.tables.standard.orders import amounts_by_system
from adcli.tables.standard.reports import measured_together
from adcli.tables.standard.shop_products import shop_columns
from adcli.tables.standard.tables import KINDS, Column, StandardTable

TIME = "event_time"
_SHOWN_COLUMNS = 12
_REQUEST_NAMES = frozenset({"request", "requesturi", "requesturl", "uri", "url", "path", "requestpath"})
_STATUS_NAMES = frozenset({"status", "statuscode", "response", "responsecode", "responsestatus"})


class Header(NamedTuple):
    """What is known of an input before all its rows are read."""

    name: str  # the input's name
    columns: Sequence[str]  # its columns
    is_log: bool = False  # whether it is an access log
    sample: pl.DataFrame | None = None  # its first rows, as they stand


class ColumnMapping(NamedTuple):
    """Where the columns of one input go.

    Attributes:
        table: The standard table.
        sources: The source column of each standard column.
        carried: The name under which each other source column is carried along.
        constants: Columns that hold one value on each row.
        derivation: What `event_type` is where no column says it.
        alternatives: For a standard column, further source columns that could have been it.
        mismatched: For a standard column, source columns that are called like it but hold something else.
        fallbacks: For `user_id`, the further source columns that serve where the first is empty, in order;
            absent where the column was named by hand.
        clock: The column with the time of day, where the source of `event_time` has only the date.
    """

    table: StandardTable
    sources: dict[str, str]
    carried: dict[str, str]
    constants: dict[str, str]
    derivation: Derivation | None
    alternatives: dict[str, list[str]]
    mismatched: dict[str, list[str]]
    fallbacks: dict[str, list[str]] = {}  # noqa: RUF012 - never changed
    clock: str | None = None

    @property
    def used(self) -> list[str]:
        """The source columns that standard columns are made of, or that are carried along."""
        return [*self.sources.values(), *self.carried, *([self.clock] if self.clock else [])]

    @property
    def columns(self) -> set[str]:
        """The standard columns that there will be."""
        derived = {"event_type"} if self.derivation else set()
        return {name for name in {*self.sources, *self.constants, *derived} if name in self.table.names}


def map_columns(
    table: StandardTable, header: Header, column_map: Mapping[str, str], constants: Mapping[str, str]
) -> ColumnMapping:
    """The columns of `header` as those of `table`: by hand first, then by name, then by alias.

    An alias is only a hint: a column is taken only if its first values can be read as what belongs there.
    `label` may be a click, and may be the name of a class. Raises UsageError if `column_map` names a column
    that is not there.
    """
    explained = {n: s for n, s in _explained(table, header.columns).items() if n not in column_map}
    column_map = {**explained, **column_map}
    by_hand = _date_and_time_by_hand(header, column_map)
    column_map = column_map if by_hand is None else {**column_map, TIME: by_hand.date}
    sources = {name: _named_source(header, name, source) for name, source in column_map.items()}
    by_hand = by_hand or (DateAndTime(sources[TIME], "") if TIME in sources else None)
    free = [column for column in header.columns if column not in sources.values()]
    alternatives: dict[str, list[str]] = {}
    mismatched: dict[str, list[str]] = {}
    wanted = [name for name in table.names if name not in sources and name not in constants]
    named = [*wanted, *explained]
    for name in wanted:
        exact = next((column for column in free if _key(column) == normalised(name)), None)
        if exact is not None and not (name in table.required and _is_left_empty(name, exact, table, header)):
            sources[name] = exact
            free.remove(exact)
    for name in named:
        aliases = table.aliases(name)
        fitting = [column for column in free if _key(column) in aliases]
        fitting.sort(key=lambda column: aliases.index(_key(column)))
        if name in table.required:  # an empty column would reject each row
            fitting.sort(key=lambda column: _is_empty(column, header))
        others = [column for column in fitting if not _can_be(name, column, header)]
        if others and name not in sources:
            mismatched[name] = others
        fitting = [column for column in fitting if column not in others]
        if fitting and name not in sources:
            sources[name] = fitting.pop(0)
            free.remove(sources[name])
        if fitting:
            alternatives[name] = fitting
    clock = _clock(table, header, sources, free, by_hand)
    users = (
        []
        if IDENTITY in {*column_map, *constants}
        else identities(table.aliases(IDENTITY), sources, alternatives)
    )
    if users:
        free = [*free, sources[IDENTITY]]
        sources[IDENTITY] = users[0]
        free.remove(users[0])
        alternatives[IDENTITY] = [one for one in alternatives.get(IDENTITY, []) if one not in users]
    constants = {**_currency(table, sources, constants), **constants}
    is_log = header.is_log or _is_request_log(header.columns, sources)
    if is_log and "user_id" in table.names and "user_id" not in {*sources, *constants} and "ip" in sources:
        sources["user_id"] = sources["ip"]  # an access log knows no better
    derivation = None
    if "event_type" in table.names and "event_type" not in {*sources, *constants}:
        derivation = derive_event_type(header.columns, sources, is_log=is_log)
    is_sold = TIME in sources and bool({"price", "revenue", "order_revenue", "order_total"} & sources.keys())
    if derivation and derivation.order_column and is_sold and IDENTITY not in {*sources, *constants}:
        sources[IDENTITY] = derivation.order_column  # nothing names who bought: each order is a user
    alternatives = {
        name: left for name, found in alternatives.items() if (left := [c for c in found if c in free])
    }
    taken = {*sources, *constants} | ({"event_type"} if derivation else set())
    return ColumnMapping(
        table,
        sources,
        _carried([column for column in header.columns if column in free], taken),
        dict(constants),
        derivation,
        alternatives,
        mismatched,
        {IDENTITY: users[1:]} if users else {},
        clock,
    )


def _date_and_time_by_hand(header: Header, column_map: Mapping[str, str]) -> DateAndTime | None:
    """The two columns that `--map event_time=DATE+TIME` names, if it does."""
    source = column_map.get(TIME, "")
    date, plus, time = source.partition("+")
    if not plus or source in header.columns:
        return None
    return DateAndTime(_named_source(header, TIME, date), _named_source(header, TIME, time))


def _clock(
    table: StandardTable,
    header: Header,
    sources: dict[str, str],
    free: list[str],
    by_hand: DateAndTime | None,
) -> str | None:
    """The column with the time of day where it stands apart; then the date is the source of the time."""
    if TIME not in table.names:
        return None
    pair = by_hand or date_and_time(sources.get(TIME), free, table.aliases(TIME), header.sample)
    if pair is None:
        return None
    free += [sources[TIME]] if TIME in sources else []
    sources[TIME] = pair.date
    free[:] = [column for column in free if column not in pair]
    return pair.time or None


def _currency(
    table: StandardTable, sources: Mapping[str, str], constants: Mapping[str, str]
) -> dict[str, str]:
    """The currency that names of columns of money say in brackets, where no column says it.

    Raises DataError if they say several.
    """
    if "currency" not in table.names or "currency" in {*sources, *constants}:
        return {}
    said = {
        source: currency
        for name, source in sources.items()
        if KINDS.get(name) == "money" and (currency := currency_of(source)) is not None
    }
    if len(set(said.values())) > 1:
        raise DataError(
            f"The columns {' and '.join(map(printable, said))} are in different currencies.",
            fix="Leave one out, or give both in one currency.",
        )
    return {"currency": next(iter(said.values()))} if said else {}


def _explained(table: StandardTable, columns: Sequence[str]) -> dict[str, str]:
    """The columns whose meaning depends on others of the input."""
    if table.name == "report":
        return measured_together(columns)
    return {
        **shop_columns(table.name, columns),
        **(amounts_by_system(columns) if table.name == "events" else {}),
    }


def _key(column: str) -> str:
    """The name that a column is known by; a currency in brackets is no part of it."""
    return normalised(without_currency(column))


def _can_be(name: str, source: str, header: Header) -> bool:
    """Whether at least half of a column's first values can be read as the standard column `name`."""
    kind = KINDS.get(name, "string")
    if header.sample is None or source not in header.sample.columns:
        return True
    if name == "event_type" and normalised(source) == "type":  # of what, only its values decide
        return has_known_types(header.sample[source])
    if kind in ("string", "vector", "list"):
        return True
    column, values = Column(name, kind), header.sample[source]
    read = coerce(values, column, ColumnEvidence().updated(values, column).decided())
    bad = sum(int(problem.where.sum()) for problem in read.problems)
    good = len(read.values) - read.values.null_count()
    return good >= bad


def _is_empty(source: str, header: Header) -> bool:
    """Whether a column has no value in the first rows."""
    if header.sample is None or source not in header.sample.columns or not header.sample.height:
        return False
    values = header.sample[source]
    return values.null_count() == len(values) or (values.dtype == pl.String and bool((values == "").all()))


def _is_left_empty(name: str, exact: str, table: StandardTable, header: Header) -> bool:
    """Whether a column of the right name is empty where one of another name is not."""
    aliases = table.aliases(name)
    others = [column for column in header.columns if column != exact and normalised(column) in aliases]
    return _is_empty(exact, header) and not all(_is_empty(other, header) for other in others)


def _is_request_log(columns: Sequence[str], placed: Mapping[str, str]) -> bool:
    """Whether these are the columns of an access log that was written as a table, as servers can."""
    names = set(map(normalised, columns))
    return "ip" in placed and bool(names & _REQUEST_NAMES) and bool(names & _STATUS_NAMES)


def _named_source(header: Header, name: str, source: str) -> str:
    """The column that `--map` means: exactly that, or the only one that differs in case and separators."""
    if source in header.columns:
        return source
    close = [column for column in header.columns if normalised(column) == normalised(source)]
    if len(close) == 1:
        return close[0]
    raise UsageError(
        f"--map {name}={source}: {header.name} has no column '{source}'; it has {listed(header.columns)}.",
        fix=did_you_mean(source, header.columns),
    )


def _carried(free: Sequence[str], taken: set[str]) -> dict[str, str]:
    """Names, without NUL, for the columns carried along; one that a standard column has gets a prefix."""
    names: dict[str, str] = {}
    used = {*taken, *(column for column in free if column not in taken)}
    for column in free:
        name = column.replace("\0", "")  # which no table of Arrow can hold
        while name in taken or name in names.values() or (name != column and name in used):
            name = f"source_{name}"
        names[column] = name
    return names


def missing(mapping: ColumnMapping, needs: Sequence[str] = ()) -> list[str]:
    """What the table, or the command beyond it, needs and the input has not."""
    table = mapping.table
    lacking = [name for name in dict.fromkeys((*table.required, *needs)) if name not in mapping.columns]
    if table.either and not mapping.columns & set(table.either):
        lacking.insert(0, " or ".join(table.either))
    measured = len(mapping.columns & {*table.either, *table.measures})
    if table.measures and not lacking and measured < 2:
        lacking.append(" or ".join(table.measures))
    if table.needs_metric and not lacking and not set(mapping.carried) - {"column_1"}:
        lacking.append("a metric")
    return lacking


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first dozen."""
    shown = ", ".join(printable(name) for name in names[:_SHOWN_COLUMNS])
    return shown if len(names) <= _SHOWN_COLUMNS else f"{shown} and {len(names) - _SHOWN_COLUMNS} more"
