"""Rows of a report that restate others: their sums, or another breakdown of what they count."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from adcli.errors import DataError, printable
from adcli.tables.standard.reports import NAMED, RESTATES

DIMENSIONS: Final = ("hour", *NAMED, "currency")
OTHER_BREAKDOWN: Final = "another breakdown, which restates other rows"
_ROW: Final = "number of the row"  # no name that a column has
_ADDED: Final = ("impressions", "clicks", "cost")
_ALL: Final = ("all", "total", "overall")
_HALF_A_CENT: Final = 0.005  # cells are rounded to cents
_ALIKE: Final = 0.01  # breakdowns of the same leave out rows of few counts


class _Breakdown(NamedTuple):
    """Rows that are told apart by columns which are empty in all others."""

    columns: list[str]  # those columns, dimensions first
    rows: pl.Series  # (n,) which rows they are
    sums: tuple[float, ...]  # impressions, clicks and cost of those of them that restate no others of them


def restated(
    frame: pl.DataFrame, sources: Mapping[str, str], by_hand: Collection[str], notes: list[str]
) -> pl.Series:
    """(n,) why a row is not to be added to the others; null where it is.

    Args:
        frame: A report.
        sources: The source column of each of its standard columns.
        by_hand: The standard columns whose source the user named: those of one breakdown pick it, those of
            each say that they count different things.
        notes: Gets a sentence where one of several breakdowns is taken.

    Raises:
        DataError: If several breakdowns may count the same, or not.
    """
    is_all = pl.col(pl.String).str.to_lowercase().is_in(_ALL)
    frame = frame.with_columns(pl.when(is_all).then(None).otherwise(pl.col(pl.String)).name.keep())
    breakdowns = _breakdowns(frame)
    taken = _taken(breakdowns, sources, by_hand, notes) if breakdowns else None
    rows = pl.repeat(True, frame.height, eager=True) if taken is None else taken.rows
    twice = frame.with_row_index(_ROW).filter(rows)[_ROW].filter(_sums(frame.filter(rows)))
    number = pl.int_range(frame.height, eager=True)
    why = pl.when(number.is_in(twice.to_list())).then(pl.lit(RESTATES))
    return pl.select(why.when(~rows).then(pl.lit(OTHER_BREAKDOWN)).alias("why")).to_series()


def _dimensions(frame: pl.DataFrame) -> tuple[Sequence[str], Sequence[str]]:
    """The columns that say what a row counts: those that are known, and other texts."""
    known = [name for name in DIMENSIONS if name in frame.columns]
    return known, [name for name, dtype in frame.schema.items() if dtype == pl.String and name not in known]


def _breakdowns(frame: pl.DataFrame) -> list[_Breakdown]:
    """The breakdowns that an input is a stack of; none where it is one.

    Columns that have a value in the same row are of one breakdown, so that a row which has them all, or an
    empty cell here and there, makes no stack; nor do parts that share no day, campaign or other value of
    the columns which all rows have.
    """
    known, carried = _dimensions(frame)
    for columns in (known, [*known, *(name for name in carried if not _is_number(frame[name]))]):
        sparse = [n for n in columns if 0 < frame[n].null_count() < frame.height and n != "currency"]
        groups: list[set[str]] = []
        for filled in frame.select(pl.col(sparse).is_not_null()).unique(maintain_order=True).rows(named=True):
            group = {name for name in sparse if filled[name]}
            if group:
                joined = [other for other in groups if other & group]
                groups = [*(other for other in groups if other not in joined), group.union(*joined)]
        if len(groups) > 1:
            shared = [n for n in known if not frame[n].null_count()]
            masks = [
                frame.select(pl.any_horizontal(pl.col(sorted(group)).is_not_null())).to_series()
                for group in groups
            ]
            found = [
                _Breakdown([n for n in sparse if n in group], rows, _added(frame.filter(rows)))
                for group, rows in zip(groups, masks, strict=True)
            ]
            keys = [frame.filter(one.rows).select(shared).unique() for one in found]
            overlap = not shared or pl.concat(keys).is_duplicated().any()
            if overlap and (columns is known or _are_alike(found)):
                return found
    return []


def _is_number(values: pl.Series) -> bool:
    """Whether a column that is carried along measures rows, as a rate or an amount, and tells none apart."""
    return bool(values.str.contains(r"^[<>]?\s?[$€£]?-?[\d.,]+\s?[%€]?$").any())


def _added(frame: pl.DataFrame) -> tuple[float, ...]:
    sums = [pl.col(name).cast(pl.Float64).sum() for name in _ADDED if name in frame.columns]
    return frame.filter(~_sums(frame)).select(sums).row(0)


def _are_alike(breakdowns: Sequence[_Breakdown]) -> bool:
    """Whether all count as much, up to what is rounded or left out as too little."""
    by_sum = list(zip(*(one.sums for one in breakdowns), strict=True))
    return any(max(sums) > 0 for sums in by_sum) and all(
        max(sums) - min(sums) <= _ALIKE * max(sums) for sums in by_sum
    )


def _taken(
    breakdowns: Sequence[_Breakdown], sources: Mapping[str, str], by_hand: Collection[str], notes: list[str]
) -> _Breakdown | None:
    """The breakdown that counts: the one that is named, else the finest; None where all are added."""
    texts = [" and ".join(printable(sources.get(n, n)) for n in one.columns) for one in breakdowns]
    stack = ", ".join(f"{one.rows.sum():,} by {text}" for one, text in zip(breakdowns, texts, strict=True))
    flags = {
        place: f"--map {name}='{printable(sources[name])}'"
        for place, one in enumerate(breakdowns)
        for name in one.columns[:1]
        if name in sources
    }
    named = [place for place, one in enumerate(breakdowns) if {*one.columns} & {*by_hand}]
    if not _are_alike(breakdowns) and len(named) != 1:
        if len(named) == len(breakdowns):
            notes.append(f"rows of several breakdowns ({stack}) are added, as all were named")
            return None
        raise DataError(
            f"Its rows are several breakdowns ({stack}), which may count the same more than once.",
            fix=f"Say which to take: {' or '.join(flags.values())}; all of these flags add them.",
        )
    sizes = [int(one.rows.sum()) for one in breakdowns]
    place = named[0] if len(named) == 1 else sizes.index(max(sizes))
    others = " or ".join(flag for at, flag in flags.items() if at != place)
    notes.append(
        f"rows are several breakdowns ({stack}), which are not added: those by {texts[place]} are taken"
        + (f"; {others} takes others instead" if others else "")
    )
    return breakdowns[place]


def _sums(frame: pl.DataFrame) -> pl.Series:
    """(n,) which rows are the sums of others: where they have no value, the others have one.

    Rows that are empty in the same columns are sums all together or not at all: one that adds up by chance
    between others that do not is a row like any other.
    """
    rows = frame.with_row_index(_ROW)
    dimensions, carried = _dimensions(frame)
    found: list[int] = []
    for columns in (dimensions, carried):
        sparse = [name for name in columns if 0 < rows[name].null_count() < rows.height]
        masks = rows.select(pl.col(sparse).is_null())
        for empty in masks.unique(maintain_order=True).rows(named=True):
            gone = [name for name in sparse if empty[name]]
            if gone:
                wholes = rows.filter(
                    masks.select(pl.all_horizontal(pl.col(n) == empty[n] for n in sparse)).to_series()
                )
                parts = rows.filter(pl.all_horizontal(pl.col(gone).is_not_null()))
                if _add_up(wholes, parts, [name for name in dimensions if name not in gone]):
                    found += wholes[_ROW].to_list()
    return rows[_ROW].is_in(found)


def _add_up(wholes: pl.DataFrame, parts: pl.DataFrame, by: Sequence[str]) -> bool:
    """Whether each of `wholes` has the sums of those of `parts` that share its values of `by`."""
    sums = [name for name in _ADDED if name in wholes.columns]
    one = pl.lit(1).alias("one group")
    numbers = [pl.col(name).cast(pl.Float64).fill_null(0) for name in sums]
    added = parts.group_by(*by, one).agg(
        *(number.sum().name.suffix(" added") for number in numbers), pl.len().alias("parts")
    )
    both = wholes.select(*by, one, *numbers).join(added, on=[*by, "one group"], how="left", nulls_equal=True)
    slack = {"cost": (pl.col("parts") + 1) * _HALF_A_CENT}
    agree = pl.all_horizontal(
        (pl.col(name) - pl.col(f"{name} added")).abs() <= slack.get(name, pl.lit(0.0)) + 1e-9 for name in sums
    )
    something = both.filter(pl.any_horizontal(pl.col(name) > 0 for name in sums))
    return something.height > 0 and bool(something.select(agree.fill_null(value=False).all()).item())
