"""Which standard table an input is, and what is said where none takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from adcli.errors import DataError, printable
from adcli.tables.aliases import normalised
from adcli.tables.standard.column_mapping import TIME, ColumnMapping, Header, listed, map_columns, missing
from adcli.tables.standard.reports import is_report, possible_user
from adcli.tables.standard.tables import KINDS, TABLES, StandardTable

_PRODUCT_NAMES = frozenset(
    {"product", "productname", "title", "name", "brand", "category", "description", "saleprice", "image"}
)
_NOT_A = {
    "string": "no type of event that is known",
    "time": "no time", "money": "no sum of money", "number": "no number", "integer": "no whole number",
    "flag": "not 0 or 1", "probability": "no probability",
}  # fmt: skip
_OF_EVENTS = ("event_time", "event_type", "item_id", "ad_id", "session_id", "query", "price", "quantity")
_ZONES = frozenset({"timezone", "tz", "zone", "utcoffset", "timezoneoffset", "gmtoffset"})
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

TOLD_APART = ("auctions", "impressions", "report", "events", "reviews", "products", "users")
"""Tables that an input is recognised as by its columns alone."""

OF_SINGLE_ROWS = frozenset({"impressions", "events", "contexts", "rows", "reviews", "products"})


def choose_table(
    tables: Sequence[StandardTable],
    headers: Sequence[Header],
    column_map: Mapping[str, str],
    constants: Mapping[str, str],
    needs: Sequence[str] = (),
    *,
    is_named: bool = False,
) -> list[ColumnMapping]:
    """The mappings of all inputs in the first table that takes them all.

    Tables are tried in order; one whose event type would have to be derived comes after opinions, because
    reviews with a user and a time would also pass as events. Counts come before all: no row of theirs is one
    impression, and with `is_named` the user said what the rows are. Raises DataError if no table takes them;
    the sentence names the nearest table and what is missing; UsageError if `column_map` names a column that
    is not there.
    """
    wanted = tables
    counts = None if is_named else next(filter(_holds_counts, headers), None)
    if counts is not None:
        tables = _tables_of_counts(tables, counts)
    tried = {
        table.name: [map_columns(table, header, column_map, constants) for header in headers]
        for table in tables
    }
    if len(tables) > 1:
        tables = [table for table in tables if not any(map(_is_no_auction, tried[table.name]))]
        tables = [table for table in tables if all(map(_may_be_customers, tried[table.name]))]
    order = [table.name for table in tables]
    derived = {name for name in order if any(mapping.derivation for mapping in tried[name])}
    late = [name for name in order if name in derived and "reviews" in order[order.index(name) :]]
    for name in late:
        order.remove(name)
        order.insert(order.index("reviews") + 1, name)
    for name in order:
        if not any(missing(mapping, needs) for mapping in tried[name]):
            return tried[name]
    _refuse_mixtures(order, headers, tried, needs)
    if counts is not None:
        raise _is_a_report(counts, wanted)
    raise _no_table(
        tables, headers, tried, needs, what_it_is="" if is_named else _what_it_is(headers, wanted)
    )


def _what_it_is(headers: Sequence[Header], wanted: Sequence[StandardTable]) -> str:
    """Which table that is not wanted an input is, in a clause; an empty string where it is none."""
    if {table.name for table in wanted} >= set(TOLD_APART):
        return ""
    try:
        found = choose_table([TABLES[name] for name in TOLD_APART], headers[:1], {}, {})[0].table
    except DataError:
        return ""
    return "" if found in wanted else f"it holds {found.name} (a row is {found.row}); "


def _holds_counts(header: Header) -> bool:
    return is_report(_as_report(header), header.sample)


def _as_report(header: Header) -> dict[str, str]:
    return map_columns(TABLES["report"], header, {}, {}).sources


def _tables_of_counts(tables: Sequence[StandardTable], header: Header) -> list[StandardTable]:
    """The tables that an input of counts can be: the report, or else those of no single impressions.

    Raises DataError if it may be a log of single impressions after all.
    """
    user = possible_user(header.columns, _as_report(header), header.sample)
    possible = [table for table in tables if table.name == "report"] or [
        table for table in tables if table.name not in OF_SINGLE_ROWS
    ]
    if user is not None and len(possible) < len(tables):
        raise DataError(
            f"{header.name}: a row has a user ({printable(user)}) and a number of impressions: it may be one "
            "impression, or the counts of many.",
            fix="Say --table impressions, or --table report; where a command has no --table, leave that "
            "column of impressions out.",
        )
    return possible


def _is_a_report(header: Header, tables: Sequence[StandardTable]) -> DataError:
    single = [table for table in tables if table.name in OF_SINGLE_ROWS] or tables
    wanted = " or ".join(f"{table.name} (a row is {table.row})" for table in single[:2])
    return DataError(
        f"{header.name}: is a report (a row is {TABLES['report'].row}), which holds no single impression "
        f"or user; this needs {wanted}.",
        fix="Take the log that the counts were made from; `adcli evaluate rates` reads the report.",
    )


def _refuse_mixtures(
    order: Sequence[str],
    headers: Sequence[Header],
    tried: Mapping[str, list[ColumnMapping]],
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


def _is_no_auction(mapping: ColumnMapping) -> bool:
    """Whether a `market_price` is that of a product, or a `won` that of no bid, and not of an auction."""
    names = {*map(normalised, mapping.carried)}
    priced = mapping.columns & {"market_price", "minimum_bid_to_win"}
    return mapping.table.name == "auctions" and (
        (set(mapping.sources) == {"market_price"} and len(names & _PRODUCT_NAMES) > 1)
        or (not priced and "bid" not in mapping.columns)
    )


def _may_be_customers(mapping: ColumnMapping) -> bool:
    """Whether an input that could be users says what users are, and of nothing that happened; else True."""
    if mapping.table.name != "users":
        return True
    names = set(map(normalised, mapping.carried))
    of_events = {alias for name in _OF_EVENTS for alias in TABLES["events"].aliases(name)}
    return bool(mapping.columns - {"user_id"}) and not names & of_events


def _no_table(
    tables: Sequence[StandardTable],
    headers: Sequence[Header],
    tried: Mapping[str, list[ColumnMapping]],
    needs: Sequence[str],
    *,
    what_it_is: str,
) -> DataError:
    """The error for the table that comes nearest, about the first input that does not fit it."""

    def nearness(place: int) -> tuple[int, float, int, int]:
        table = tables[place]
        lacking = sum(len(missing(mapping, needs)) for mapping in tried[table.name])
        needed = len(headers) * (len({*table.required, *needs}) + bool(table.either))
        placed = sum(len(mapping.columns) for mapping in tried[table.name])
        plain = max(map(_plainness, tried[table.name]))
        return plain, (1 - lacking / needed if placed else 0.0), placed, place

    nearest = tables[max(range(len(tables)), key=nearness)]
    header, mapping = next(
        (header, mapping)
        for header, mapping in zip(headers, tried[nearest.name], strict=True)
        if missing(mapping, needs)
    )
    lacking = missing(mapping, needs)
    its_columns = _its_columns(header)
    if not mapping.columns and len(tables) > 1:
        names = listed([table.name for table in tables])
        return DataError(
            f"{header.name}: {what_it_is}none of its columns is known as one of {names}; {its_columns}.",
            fix="Name them by hand: --map STANDARD=SOURCE.",
        )
    others = [table.name for table in tables if table is not nearest]
    also = f" (and fits {listed(others)} no better)" if others else ""
    lacks = [f"{name}{_why_not(name, mapping, header)}" for name in lacking]
    return DataError(
        f"{header.name}: {what_it_is}as {nearest.name} it lacks {' and '.join(lacks)}{also}; {its_columns}.",
        fix=_cure(lacking, mapping),
    )


def _plainness(mapping: ColumnMapping) -> int:
    """How plainly an input is of the table, whatever it lacks.

    A rated opinion, a click where something was shown, or a line of an order.
    """
    if mapping.table.name == "reviews" and {"text", "rating"} <= mapping.columns:
        return 2
    if mapping.table.name == "impressions" and {"click", "placement"} <= mapping.columns:
        return 2
    return int(mapping.derivation is not None and mapping.derivation.order_column is not None)


def _its_columns(header: Header) -> str:
    """The columns of an input, or its first row where they have no names."""
    has_names = any(column != f"column_{place}" for place, column in enumerate(header.columns, 1))
    if has_names or header.sample is None or not header.sample.height:
        return f"its columns are {listed(header.columns)}"
    first = ["" if value is None else str(value) for value in header.sample.row(0)]
    return f"it has no header line, and column_1 to column_{len(first)} of its first row are {listed(first)}"


def _why_not(lack: str, mapping: ColumnMapping, header: Header) -> str:
    """Which column is called like what lacks, and what it holds instead; nothing where none is."""
    name = next((name for name in lack.split(" or ") if name in mapping.mismatched), None)
    if name is None or header.sample is None:
        return ""
    source = mapping.mismatched[name][0]
    value = header.sample[source].drop_nulls()[0]
    what = _NOT_A[KINDS.get(name, "string")]
    return f" ({printable(source)} could be, but is {what}: '{printable(str(value))}')"


def _cure(lacking: Sequence[str], mapping: ColumnMapping) -> str:
    if lacking == ["a metric"]:
        return "Give at least one column that was measured on each unit."
    cures: dict[str, str] = {}
    for names in (lack.split(" or ") for lack in lacking):
        if names == ["event_type"]:
            is_sale = bool(mapping.columns & {"price", "quantity", "revenue"})
            cures["event_type"] = f"--set event_type={'purchase' if is_sale else 'view'}"
            continue
        guesses = {name: _guess(name, mapping) for name in names}
        name = next((name for name, guess in guesses.items() if guess != "COLUMN"), names[0])
        cures[name] = f"--map {name}={guesses[name]}"
    return f"Name what it is: {' '.join(cures.values())}."


def _guess(name: str, mapping: ColumnMapping) -> str:
    """The column likeliest to be `name`, quoted for a shell; or the word COLUMN."""
    optional = [mapping.sources[other] for other in mapping.table.optional if other in mapping.sources]
    mismatched = mapping.mismatched.get(name, ())
    by_name = {
        normalised(column): column
        for column in reversed([*mapping.carried, *optional])
        if column not in mismatched
    }
    likely = [word for word in map(normalised, _LIKELY.get(name, ())) if word in by_name]
    close = [
        match
        for alias in mapping.table.aliases(name)
        for match in get_close_matches(alias, by_name, 1, 0.8)
        if match.endswith("id") == alias.endswith("id")
    ]
    found = next((by_name[word] for word in (*close, *likely)), "COLUMN")
    shown = printable(found)
    return shown if shown.replace("_", "").isalnum() else f"'{shown}'"


def describe(mapping: ColumnMapping) -> str:
    """What was taken for what, in one clause."""
    sources = {
        name: ", else ".join(map(printable, [source, *mapping.fallbacks.get(name, [])]))
        for name, source in mapping.sources.items()
    }
    if mapping.clock is not None:
        sources[TIME] += f" + {printable(mapping.clock)}"
    taken = [f"{name} <- {source}" for name, source in sources.items() if name != source]
    order = {name: place for place, name in enumerate(mapping.table.names)}
    taken.sort(key=lambda text: order.get(text.split(" <- ")[0], len(order)))
    parts = [f"read as {mapping.table.name}"]
    if taken:
        parts[0] += f": {', '.join(taken)}"
    parts += [f"{name} = {value}" for name, value in mapping.constants.items()]
    if mapping.derivation:
        parts.append(f"event_type is '{mapping.derivation.event_type}', because {mapping.derivation.because}")
    if mapping.derivation and sources.get("user_id") == mapping.derivation.order_column:
        parts.append("no column names who bought: each order is one user")
    parts += [
        f"{', '.join(map(printable, others))} could be {name}, but is {_NOT_A[KINDS.get(name, 'string')]}"
        for name, others in mapping.mismatched.items()
        if name not in mapping.sources
    ]
    for name, others in mapping.alternatives.items():
        better = mapping.sources.get(name, "what was set")
        parts.append(
            f"{', '.join(map(printable, others))} could be {name} too, but {printable(better)} is taken"
        )
    zones = [column for column in mapping.carried if normalised(column) in _ZONES and TIME in mapping.sources]
    parts += [
        f"{printable(column)} is not applied to {TIME}: name its zone with --timezone" for column in zones
    ]
    renamed = [
        f"{printable(column)} as {printable(name)}"
        for column, name in mapping.carried.items()
        if column != name
    ]
    if renamed:
        parts.append(f"carried along under another name: {', '.join(renamed)}")
    return "; ".join(parts)
