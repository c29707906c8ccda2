"""Which standard table an input is, and which of its columns is which standard column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import polars as pl

from adcli.errors import DataError, UsageError, did_you_mean
from adcli.tables.formats.layout import printable
from adcli.tables.standard.coerce import Habits, coerce
from adcli.tables.standard.events import Derivation, derive_event_type, has_known_types
from adcli.tables.standard.tables import KINDS, Column, StandardTable, normalised

_SHOWN_COLUMNS = 12
_REQUEST_NAMES = frozenset({"request", "requesturi", "requesturl", "uri", "url", "path", "requestpath"})
_STATUS_NAMES = frozenset({"status", "statuscode", "response", "responsecode", "responsestatus"})
_PRODUCT_NAMES = frozenset(
    {"product", "productname", "title", "name", "brand", "category", "description", "saleprice", "image"}
)
_NOT_A = {
    "string": "no type of event that is known",
    "time": "no time", "money": "no sum of money", "number": "no number", "integer": "no whole number",
    "flag": "not 0 or 1", "probability": "no probability",
}  # fmt: skip
_LIKELY = {
    "user_id": ("ip", "device_id", "device", "email", "phone", "session_id", "session", "session_id_hash"),
    "item_id": ("id", "name", "title", "url"),
    "ad_id": ("campaign", "campaign_id", "ad_name", "ad_topic_line", "headline"),
    "title": ("description", "headline", "short_description"),
    "text": ("comments", "user_comments", "description", "content", "summary", "desc", "title"),
    "event_time": ("day", "hour", "month", "attributed_time"),
    "click": ("reward", "outcome", "is_attributed"),
    "query": ("text", "term"),
    "variant": ("campaign", "test"),
    "embedding": ("values",),
}


class Header(NamedTuple):
    """What is known of an input before all its rows are read.

    Attributes:
        name: The input's name.
        columns: Its columns.
        is_log: Whether it is an access log.
        sample: Its first rows, as they stand.
    """

    name: str
    columns: Sequence[str]
    is_log: bool = False
    sample: pl.DataFrame | None = None


class Placement(NamedTuple):
    """Where the columns of one input go.

    Attributes:
        table: The standard table.
        sources: The source column of each standard column.
        carried: The name under which each other source column is carried along.
        constants: Columns that hold one value on each row.
        derivation: What `event_type` is where no column says it.
        passed_over: For a standard column, further source columns that could have been it.
        unlike: For a standard column, source columns that are called like it but hold something else.
    """

    table: StandardTable
    sources: dict[str, str]
    carried: dict[str, str]
    constants: dict[str, str]
    derivation: Derivation | None
    passed_over: dict[str, list[str]]
    unlike: dict[str, list[str]]

    @property
    def placed(self) -> set[str]:
        """The standard columns that there will be."""
        derived = {"event_type"} if self.derivation else set()
        return {name for name in {*self.sources, *self.constants, *derived} if name in self.table.names}


def place(
    table: StandardTable, header: Header, column_map: Mapping[str, str], constants: Mapping[str, str]
) -> Placement:
    """The columns of `header` placed in `table`: by hand first, then by name, then by alias.

    An alias is only a hint: a column takes the place only if its first values can be read as what belongs
    there. `label` may be a click, and may be the name of a class.

    Raises:
        UsageError: If `column_map` names a column that is not there.
    """
    sources = {name: _named_source(header, name, source) for name, source in column_map.items()}
    free = [column for column in header.columns if column not in sources.values()]
    passed_over: dict[str, list[str]] = {}
    unlike: dict[str, list[str]] = {}
    wanted = [name for name in table.names if name not in sources and name not in constants]
    for name in wanted:
        exact = next((column for column in free if normalised(column) == normalised(name)), None)
        if exact is not None and not (name in table.required and _is_left_empty(name, exact, table, header)):
            sources[name] = exact
            free.remove(exact)
    for name in wanted:
        aliases = table.aliases(name)
        fitting = [column for column in free if normalised(column) in aliases]
        fitting.sort(key=lambda column: aliases.index(normalised(column)))
        if name in table.required:  # an empty column would reject each row
            fitting.sort(key=lambda column: _is_empty(column, header))
        others = [column for column in fitting if not _can_be(name, column, header)]
        if others and name not in sources:
            unlike[name] = others
        fitting = [column for column in fitting if column not in others]
        if fitting and name not in sources:
            sources[name] = fitting.pop(0)
            free.remove(sources[name])
        if fitting:
            passed_over[name] = fitting
    is_log = header.is_log or _is_request_log(header.columns, sources)
    if is_log and "user_id" in table.names and "user_id" not in {*sources, *constants} and "ip" in sources:
        sources["user_id"] = sources["ip"]  # an access log knows no better
    derivation = None
    if "event_type" in table.names and "event_type" not in {*sources, *constants}:
        derivation = derive_event_type(header.columns, sources, is_log=is_log)
    passed_over = {
        name: left for name, found in passed_over.items() if (left := [c for c in found if c in free])
    }
    taken = {*sources, *constants} | ({"event_type"} if derivation else set())
    return Placement(table, sources, _carried(free, taken), dict(constants), derivation, passed_over, unlike)


def _can_be(name: str, source: str, header: Header) -> bool:
    """Whether at least half of a column's first values can be read as the standard column `name`."""
    kind = KINDS.get(name, "string")
    if header.sample is None or source not in header.sample.columns:
        return True
    if name == "event_type" and normalised(source) == "type":  # of what, only its values can tell
        return has_known_types(header.sample[source])
    if kind in ("string", "vector", "list"):
        return True
    read = coerce(header.sample[source], Column(name, kind), Habits())
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
        f"--map {name}={source}: {header.name} has no column '{source}'; it has {_listed(header.columns)}.",
        fix=did_you_mean(source, header.columns),
    )


def _carried(free: Sequence[str], taken: set[str]) -> dict[str, str]:
    """Names for the columns carried along; one that a standard column has taken gets a prefix."""
    names: dict[str, str] = {}
    used = {*taken, *(column for column in free if column not in taken)}
    for column in free:
        name = column
        while name in taken or name in names.values() or (name != column and name in used):
            name = f"source_{name}"
        names[column] = name
    return names


def missing(placement: Placement, needs: Sequence[str] = ()) -> list[str]:
    """What the table, or the command beyond it, needs and the input has not."""
    table = placement.table
    lacking = [name for name in dict.fromkeys((*table.required, *needs)) if name not in placement.placed]
    if table.either and not placement.placed & set(table.either):
        lacking.insert(0, " or ".join(table.either))
    if table.needs_metric and not lacking and not set(placement.carried) - {"column_1"}:
        lacking.append("a metric")
    return lacking


def choose(
    tables: Sequence[StandardTable],
    headers: Sequence[Header],
    column_map: Mapping[str, str],
    constants: Mapping[str, str],
    needs: Sequence[str] = (),
) -> list[Placement]:
    """The placements of all inputs in the first table that takes them all.

    Tables are tried in order; one whose event type would have to be derived comes after opinions, because
    reviews with a user and a time would also pass as events.

    Raises:
        DataError: If no table takes them; the sentence names the nearest table and what is missing.
        UsageError: If `column_map` names a column that is not there.
    """
    tried = {
        table.name: [place(table, header, column_map, constants) for header in headers] for table in tables
    }
    if len(tables) > 1:
        tables = [table for table in tables if not any(map(_is_catalogue, tried[table.name]))]
    order = [table.name for table in tables]
    derived = {name for name in order if any(placement.derivation for placement in tried[name])}
    late = [name for name in order if name in derived and "reviews" in order[order.index(name) :]]
    for name in late:
        order.remove(name)
        order.insert(order.index("reviews") + 1, name)
    for name in order:
        if not any(missing(placement, needs) for placement in tried[name]):
            return tried[name]
    _refuse_mixtures(order, headers, tried, needs)
    raise _unplaceable(tables, headers, tried, needs)


def _refuse_mixtures(
    order: Sequence[str],
    headers: Sequence[Header],
    tried: Mapping[str, list[Placement]],
    needs: Sequence[str],
) -> None:
    """Raise DataError if each input is a table, but not the same one."""
    kinds = [
        next((name for name in order if not missing(tried[name][place], needs)), None)
        for place in range(len(headers))
    ]
    other = next((place for place, kind in enumerate(kinds) if kind != kinds[0]), None)
    if other is not None and None not in kinds:
        raise DataError(
            f"{headers[0].name} holds {kinds[0]} and {headers[other].name} holds {kinds[other]}: one run "
            "reads one kind of table.",
            fix="Read each by itself.",
        )


def _is_catalogue(placement: Placement) -> bool:
    """Whether a `market_price` is that of a product and not of an auction: nothing else is of an auction."""
    names = {*map(normalised, placement.carried)}
    return (
        placement.table.name == "auctions"
        and set(placement.sources) == {"market_price"}
        and len(names & _PRODUCT_NAMES) > 1
    )


def _unplaceable(
    tables: Sequence[StandardTable],
    headers: Sequence[Header],
    tried: Mapping[str, list[Placement]],
    needs: Sequence[str],
) -> DataError:
    """The error for the table that comes nearest, about the first input that does not fit it."""

    def nearness(place: int) -> tuple[int, float, int, int]:
        table = tables[place]
        lacking = sum(len(missing(placement, needs)) for placement in tried[table.name])
        needed = len(headers) * (len({*table.required, *needs}) + bool(table.either))
        placed = sum(len(placement.placed) for placement in tried[table.name])
        plain = max(map(_plainness, tried[table.name]))
        return plain, (1 - lacking / needed if placed else 0.0), placed, place

    nearest = tables[max(range(len(tables)), key=nearness)]
    header, placement = next(
        (header, placement)
        for header, placement in zip(headers, tried[nearest.name], strict=True)
        if missing(placement, needs)
    )
    lacking = missing(placement, needs)
    its_columns = _its_columns(header)
    if not placement.placed and len(tables) > 1:
        names = _listed([table.name for table in tables])
        return DataError(
            f"{header.name}: none of its columns is known as one of {names}; {its_columns}.",
            fix="Name them by hand: --map STANDARD=SOURCE.",
        )
    others = [table.name for table in tables if table is not nearest]
    beside = f" (and fits {_listed(others)} no better)" if others else ""
    told = [f"{name}{_why_not(name, placement, header)}" for name in lacking]
    return DataError(
        f"{header.name}: as {nearest.name} it lacks {' and '.join(told)}{beside}; {its_columns}.",
        fix=_cure(lacking, placement),
    )


def _plainness(placement: Placement) -> int:
    """How plainly an input is of the table, whatever it lacks: a rated opinion, or a line of an order."""
    if placement.table.name == "reviews" and {"text", "rating"} <= placement.placed:
        return 2
    return int(placement.derivation is not None and placement.derivation.order_column is not None)


def _its_columns(header: Header) -> str:
    """The columns of an input, or its first row where they have no names."""
    has_names = any(column != f"column_{place}" for place, column in enumerate(header.columns, 1))
    if has_names or header.sample is None or not header.sample.height:
        return f"its columns are {_listed(header.columns)}"
    first = ["" if value is None else str(value) for value in header.sample.row(0)]
    return f"it has no header line, and column_1 to column_{len(first)} of its first row are {_listed(first)}"


def _why_not(lack: str, placement: Placement, header: Header) -> str:
    """Which column is called like what lacks, and what it holds instead; nothing where none is."""
    name = next((name for name in lack.split(" or ") if name in placement.unlike), None)
    if name is None or header.sample is None:
        return ""
    source = placement.unlike[name][0]
    value = header.sample[source].drop_nulls()[0]
    what = _NOT_A[KINDS.get(name, "string")]
    return f" ({printable(source)} could be, but is {what}: '{printable(str(value))}')"


def _cure(lacking: Sequence[str], placement: Placement) -> str:
    if lacking == ["a metric"]:
        return "Give at least one column that was measured on each unit."
    cures: dict[str, str] = {}
    for names in (lack.split(" or ") for lack in lacking):
        if names == ["event_type"]:
            is_sale = bool(placement.placed & {"price", "quantity", "revenue"})
            cures["event_type"] = f"--set event_type={'purchase' if is_sale else 'view'}"
            continue
        guesses = {name: _guess(name, placement) for name in names}
        name = next((name for name, guess in guesses.items() if guess != "COLUMN"), names[0])
        cures[name] = f"--map {name}={guesses[name]}"
    return f"Name what it is: {' '.join(cures.values())}."


def _guess(name: str, placement: Placement) -> str:
    """The column likeliest to be `name`, quoted for a shell; or the word COLUMN."""
    optional = [placement.sources[other] for other in placement.table.optional if other in placement.sources]
    unlike = placement.unlike.get(name, ())
    by_name = {
        normalised(column): column
        for column in reversed([*placement.carried, *optional])
        if column not in unlike
    }
    likely = [word for word in map(normalised, _LIKELY.get(name, ())) if word in by_name]
    close = [
        match
        for alias in placement.table.aliases(name)
        for match in get_close_matches(alias, by_name, 1, 0.8)
        if match.endswith("id") == alias.endswith("id")
    ]
    found = next((by_name[word] for word in (*close, *likely)), "COLUMN")
    shown = printable(found)
    return shown if shown.replace("_", "").isalnum() else f"'{shown}'"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:_SHOWN_COLUMNS])
    return shown if len(names) <= _SHOWN_COLUMNS else f"{shown} and {len(names) - _SHOWN_COLUMNS} more"


def describe(placement: Placement) -> str:
    """What was taken for what, in one clause."""
    taken = [f"{name} <- {printable(source)}" for name, source in placement.sources.items() if name != source]
    order = {name: place for place, name in enumerate(placement.table.names)}
    taken.sort(key=lambda text: order.get(text.split(" <- ")[0], len(order)))
    parts = [f"read as {placement.table.name}"]
    if taken:
        parts[0] += f": {', '.join(taken)}"
    parts += [f"{name} = {value}" for name, value in placement.constants.items()]
    if placement.derivation:
        parts.append(
            f"event_type is '{placement.derivation.event_type}', because {placement.derivation.because}"
        )
    parts += [
        f"{', '.join(map(printable, others))} could be {name}, but is {_NOT_A[KINDS.get(name, 'string')]}"
        for name, others in placement.unlike.items()
        if name not in placement.sources
    ]
    for name, others in placement.passed_over.items():
        better = placement.sources.get(name, "what was set")
        parts.append(
            f"{', '.join(map(printable, others))} could be {name} too, but {printable(better)} is taken"
        )
    renamed = [
        f"{printable(column)} as {printable(name)}"
        for column, name in placement.carried.items()
        if column != name
    ]
    if renamed:
        parts.append(f"carried along under another name: {', '.join(renamed)}")
    return "; ".join(parts)
