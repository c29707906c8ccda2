"""The plan of each input, made before its rows are read.

The first rows decide. Where they leave two readings of a column (`1.250`), rows are looked at until one
decides; where there are dates like `03/04/2024`, all are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import polars as pl

from adcli.progress import reached, steps
from adcli.tables.formats.detect import Format
from adcli.tables.sources import Source
from adcli.tables.standard.column_format import GivenFormats
from adcli.tables.standard.column_mapping import TIME, ColumnMapping, Header, map_columns
from adcli.tables.standard.currencies import CURRENCY
from adcli.tables.standard.inference import ColumnEvidence, settled
from adcli.tables.standard.plan import ReadPlan, evidence_of

Evidence = Mapping[str, ColumnEvidence]


def plan_inputs(
    inputs: Sequence[tuple[Source, Format]],
    mappings: Sequence[ColumnMapping],
    needs: Sequence[str],
    given: GivenFormats,
) -> list[ReadPlan]:
    """The plan of each input; all have the same columns, and vectors as wide as those of the first.

    Raises DataError if two readings of a column are left, and the user has not said which holds.
    """
    columns = frozenset[str]().union(*(mapping.columns for mapping in mappings))
    has_currency = CURRENCY in mappings[0].table.names
    plans = []
    widths: dict[str, ColumnEvidence] = {}
    for (source, form), mapping in steps(zip(inputs, mappings, strict=True)):
        known = _evidence(source, form, mapping, widths, given)
        widths |= {name: ColumnEvidence(width=one.width) for name, one in known.items() if one.width}
        formats = settled({**widths, **known}, given, source.name, has_currency=has_currency)
        if has_currency and any(one.number.currencies for one in known.values()):
            columns |= {CURRENCY}
        plans.append(ReadPlan(mapping, formats, columns, frozenset(needs)))
    return [replace(plan, columns=columns) for plan in plans]


def with_new_columns(
    plan: ReadPlan, frame: pl.DataFrame, name: str, constants: Mapping[str, str], given: GivenFormats
) -> ReadPlan:
    """The plan, extended by columns that come up only now, as JSON may bring them."""
    known = plan.mapping.used
    new = [column for column in frame.columns if column not in known]
    if not new:
        return plan
    fixed = {  # what was mapped stays where it is, but a better column of the user may come
        name: source for name, source in plan.mapping.sources.items() if name not in plan.mapping.fallbacks
    }
    if plan.mapping.clock is not None:
        fixed[TIME] += f"+{plan.mapping.clock}"
    mapping = map_columns(plan.mapping.table, Header(name, [*known, *new]), fixed, constants)
    known_formats = {column: plan.formats[column] for column in fixed if column in plan.formats}
    formats = settled(evidence_of(frame, mapping, {}), given, name, has_currency=CURRENCY in plan.columns)
    return replace(plan, mapping=mapping, formats={**formats, **known_formats})


def _evidence(
    source: Source, form: Format, mapping: ColumnMapping, before: Evidence, given: GivenFormats
) -> Evidence:
    """What an input tells of its columns: the first rows, or all as far as they are needed."""
    known: Evidence = before if form.sample is None else evidence_of(form.sample, mapping, before)
    if not _is_open(known, given):
        return known
    source.keep()
    known, whole = before, source.path.stat().st_size if source.path is not None else 0
    with closing(form.read(source)) as batches:
        for raw in batches:
            known = evidence_of(raw.typed, mapping, known)
            if whole:
                reached(min(source.size / whole, 1.0))
            if not _is_open(known, given):
                break
    return known


def _is_open(evidence: Evidence, given: GivenFormats) -> bool:
    return any(
        (one.time.slashed.number and given.date_order is None and given.time is None)
        or (one.number.is_open and given.decimal_mark is None)
        or one.whole_decimals
        for one in evidence.values()
    )
