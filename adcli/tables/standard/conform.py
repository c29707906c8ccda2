"""Rows as they stood in an input become rows of a standard table, or rejects with their reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.errors import printable
from adcli.tables.formats.blocks import RawBatch
from adcli.tables.numerals import MONEY
from adcli.tables.standard.clock import source_values
from adcli.tables.standard.coerce import Problem, coerce, type_of
from adcli.tables.standard.column_mapping import ColumnMapping
from adcli.tables.standard.currencies import CURRENCY, contradictions, currency_of_rows, named_currencies
from adcli.tables.standard.events import are_refunds, derived_event_types, map_event_types
from adcli.tables.standard.identities import IDENTITY, first_present, format_key
from adcli.tables.standard.orders import guests
from adcli.tables.standard.plan import ReadPlan
from adcli.tables.standard.reports import NAMED, RESTATES, labelled_totals
from adcli.tables.standard.shop_products import availability, not_for_sale
from adcli.tables.standard.tables import Column


class Batch(NamedTuple):
    """Rows of a standard table, and the rows that were rejected beside them."""

    frame: pl.DataFrame  # accepted rows: the standard columns in standard order, then the others
    rejects: pl.DataFrame  # rejected rows: file, line, reason, raw
    file: str  # the input that they come from
    lines: pl.Series  # (n,) Int64, line (or row) number of each accepted row
    unknown_event_types: Counter[str]  # how often each event type came that nobody knows
    served: Counter[str]  # where several columns can be the user: how many rows each served


def conform(raw: RawBatch, plan: ReadPlan, file: str) -> Batch:
    """Rows as they stood in an input, in the columns and types of the plan's table."""
    unknown: Counter[str] = Counter()
    served: Counter[str] = Counter()
    standard, problems = _standard(raw.frame, plan, unknown, served)
    frame = pl.DataFrame([*standard.values(), *_carried(raw, plan.mapping)])
    set_aside = []
    if plan.mapping.table.name == "report":
        named = [plan.mapping.sources[name] for name in NAMED if name in plan.mapping.sources]
        set_aside = [_RowProblem("", None, Problem(labelled_totals(raw.frame, named), RESTATES))]
    if plan.mapping.table.name == "products":
        set_aside = [_RowProblem("", None, Problem(*why)) for why in not_for_sale(raw.frame)]
    bad, reasons = _against([*set_aside, *problems, *_missing(standard, plan)], frame.height)
    lines = raw.lines
    if bad.size:
        raw.rejects.extend(lines[bad].tolist(), reasons, raw.raws(bad))
        is_kept = np.ones(frame.height, bool)
        is_kept[bad] = False
        frame, lines = frame.filter(is_kept), lines[is_kept]
    return Batch(frame, raw.rejects.frame(file), file, pl.Series("line", lines, pl.Int64), unknown, served)


def _standard(
    raw: pl.DataFrame, plan: ReadPlan, unknown: Counter[str], served: Counter[str]
) -> tuple[dict[str, pl.Series], list[_RowProblem]]:
    """The standard columns, and the values that could not be read."""
    mapping = plan.mapping
    made: dict[str, pl.Series] = {}
    amounts: dict[str, pl.Series] = {}
    problems: list[_RowProblem] = []
    for column in mapping.table.columns:
        name = column.name
        if name not in mapping.columns | plan.columns:
            continue
        form = plan.format(name)
        if name in mapping.constants:
            values = pl.Series(name, [mapping.constants[name]]).new_from_index(0, raw.height)
        else:
            found = source_values(raw, mapping.sources, mapping.clock, name)
            values = pl.Series(name, [None] * raw.height, type_of(column, form)) if found is None else found
        coerced = coerce(values, column, form)
        made[name] = coerced.values
        problems += [_RowProblem(name, values, problem) for problem in coerced.problems]
        if column.kind == "money" and name in mapping.sources:
            amounts[name] = values
    problems += _in_currencies(made, amounts, plan)
    if "availability" in made:
        made["availability"] = availability(made["availability"])
    if IDENTITY in mapping.fallbacks:
        made[IDENTITY] = _first_present(made[IDENTITY], raw, plan, served)
    if "event_type" in made and mapping.derivation is None:
        _take_back(made, are_refunds(made["event_type"]))
    if "event_type" in made:
        made["event_type"] = (
            map_event_types(made["event_type"], unknown)
            if mapping.derivation is None
            else derived_event_types(mapping.derivation, raw, made.get("quantity"))
        )
    return made, problems


def _in_currencies(
    made: dict[str, pl.Series], amounts: Mapping[str, pl.Series], plan: ReadPlan
) -> list[_RowProblem]:
    """The amounts that are in another currency than their row, whose own they name where no column does."""
    named = {name: named_currencies(values) for name, values in amounts.items()}
    said = {name: plan.format(name).number.currency for name in amounts}
    if CURRENCY in made and CURRENCY not in {*plan.mapping.sources, *plan.mapping.constants}:
        made[CURRENCY] = currency_of_rows(named.values(), [one for one in said.values() if one])
    found = []
    for name, currencies in named.items():
        if currencies.null_count() < len(currencies):
            of_rows = made.get(
                CURRENCY, pl.Series([said[name]], dtype=pl.String).new_from_index(0, len(currencies))
            )
            found.append(_RowProblem(name, amounts[name], contradictions(currencies, of_rows)))
    return found


def _first_present(first: pl.Series, raw: pl.DataFrame, plan: ReadPlan, served: Counter[str]) -> pl.Series:
    """The user of each row, where several columns identify one."""
    others = [source for source in plan.mapping.fallbacks[IDENTITY] if source in raw.columns]
    columns = {plan.mapping.sources[IDENTITY]: first} | {
        source: coerce(raw[source], Column(IDENTITY, "string"), plan.format(format_key(source))).values
        for source in others
    }
    derivation = plan.mapping.derivation
    if derivation is not None and derivation.order_column in raw.columns:
        columns |= _of_guests(columns, raw[str(derivation.order_column)])
    values, counts = first_present(columns)
    if len(columns) > 1:
        served.update(counts)
    return values


def _of_guests(columns: dict[str, pl.Series], order: pl.Series) -> dict[str, pl.Series]:
    """The columns of the user without the number of all guests; whom nothing else names, the order does."""
    is_guest = {source: guests(source, values) for source, values in columns.items()}
    if not any(mask.any() for mask in is_guest.values()):
        return columns
    is_any = pl.select(pl.any_horizontal(is_guest.values())).to_series()
    own = pl.select(pl.format("order {}", order.cast(pl.String))).to_series().set(~is_any, None)
    named = {source: values.set(is_guest[source], None) for source, values in columns.items()}
    return {**named, "the order of a guest": own}


def _take_back(made: dict[str, pl.Series], is_refund: pl.Series) -> None:
    """What an event that gives money back says as its amount is a refund, and no revenue."""
    stated = [name for name in ("refund", "revenue", "order_revenue") if name in made]
    if not is_refund.any() or not stated:
        return
    given = pl.select(pl.coalesce(*(made[name] for name in stated)).abs()).to_series()
    nothing = pl.Series([None], dtype=MONEY).new_from_index(0, len(is_refund))
    made["refund"] = given.zip_with(is_refund, made.get("refund", nothing)).alias("refund")
    for name in ("revenue", "order_revenue"):
        if name in made:
            made[name] = made[name].set(is_refund, None)


def _carried(raw: RawBatch, mapping: ColumnMapping) -> list[pl.Series]:
    """All other columns as they were; texts of JSON numbers as numbers."""
    beyond = {source: name for name, source in mapping.sources.items() if name not in mapping.table.names}
    constants = [
        pl.Series(name, [value]).new_from_index(0, raw.frame.height)
        for name, value in mapping.constants.items()
        if name not in mapping.table.names
    ]
    columns = []
    for source, name in {**beyond, **mapping.carried}.items():
        if source in raw.frame.columns:
            values, number = raw.frame[source], raw.numbers.get(source)
            columns.append((values if number is None else values.cast(number, strict=False)).alias(name))
    return [*constants, *columns]


def _missing(made: dict[str, pl.Series], plan: ReadPlan) -> list[_RowProblem]:
    """Where a required column has no value, or none of those of which one is required."""
    table = plan.mapping.table
    must_have = {*table.required, *plan.needs}
    gone = [(name, values.is_null()) for name, values in made.items() if name in must_have]
    either = [name for name in table.either if name in made]
    if either:
        all_null = made[either[0]].is_null()
        for name in either[1:]:
            all_null &= made[name].is_null()
        gone.append((either[0], all_null))
    return [_RowProblem(name, None, Problem(where, "missing")) for name, where in gone if where.any()]


class _RowProblem(NamedTuple):
    """Values of one column that reject their rows; `values` as they stood, or None where nothing did."""

    column: str
    values: pl.Series | None
    problem: Problem


def _against(problems: list[_RowProblem], height: int) -> tuple[Integers, list[str]]:
    """The rows, in order, that there is a reason against, and the first reason against each."""
    is_good = np.ones(height, bool)
    reasons = np.empty(height, np.object_)
    for column, values, (where, what) in problems:
        if not where.any():
            continue
        new = np.flatnonzero(where.to_numpy() & is_good)
        is_good[new] = False
        if values is None:
            reasons[new] = f"{column}: {what}" if column else what
        else:
            reasons[new] = [f"{column}: {what}: '{printable(str(value))}'" for value in values.gather(new)]
    bad = np.flatnonzero(~is_good)
    return bad, reasons[bad].tolist()
