"""Inputs of any format as one standard table, batch by batch, each row accepted or rejected with its reason.

stream = open_table(["shop.csv.gz"], tables=["events"], options=ReadOptions())
for batch in stream.batches():
    batch.frame       # the standard columns first, then all others as they were
    batch.rejects     # file, line, reason, raw
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import polars as pl

from adcli.errors import AdcliError, DataError
from adcli.tables.aliases import normalised
from adcli.tables.expansion import expand, verify_sources
from adcli.tables.formats.blocks import RawBatch, no_rows
from adcli.tables.formats.detect import Format, recognise_format
from adcli.tables.left_out import LeaveOut, without
from adcli.tables.memory import held
from adcli.tables.parts import LEAST_PART_BYTES, PART_BYTES, Part, parts_of
from adcli.tables.planning import plan_inputs, with_new_columns
from adcli.tables.read_options import ReadOptions
from adcli.tables.records import InputRecord, PartRead, joined
from adcli.tables.sources import Source
from adcli.tables.standard.column_mapping import Header
from adcli.tables.standard.conform import Batch, conform
from adcli.tables.standard.identities import served_note
from adcli.tables.standard.plan import ReadPlan
from adcli.tables.standard.recognise import choose_table, describe
from adcli.tables.standard.report_rows import settle_report
from adcli.tables.standard.shop_products import shop_export
from adcli.tables.standard.tables import TABLES, StandardTable
from adcli.tables.standard.times import UTC
from adcli.tables.unify import concatenated


class OpenInput(NamedTuple):
    """One input, its format, and the plan by which its rows become the table's."""

    source: Source
    form: Format
    plan: ReadPlan


class TableStream:
    """One standard table that is read from all inputs, once.

    Attributes:
        table: The standard table.
        plans: How each input is read.
        notes: What was decided about each input, one sentence each.
        rows_read: Rows seen so far; at the end it is accepted plus rejected.
        rows_rejected: Rows rejected so far.
        inputs: What was read to its end so far.
        leave_out: Tells rows that are rejected whatever they hold.
        watch: Is shown each batch.
        unknown_event_types: How often each event type came that nobody knows.
    """

    def __init__(self, parts: Sequence[OpenInput], options: ReadOptions, notes: Sequence[str]) -> None:
        self.plans = [part.plan for part in parts]
        self.table: StandardTable = self.plans[0].mapping.table
        self.notes = [*_notes(parts), *notes]
        self.rows_read = self.rows_rejected = 0
        self.inputs: list[InputRecord] = []
        self.unknown_event_types: Counter[str] = Counter()
        self.leave_out: LeaveOut | None = None
        self.watch: Callable[[Batch], None] | None = None
        self._parts = parts
        self._shops = [shop_export(part.plan.mapping.table.name, part.form.columns) for part in parts]
        self._served: list[Counter[str]] = [Counter() for _ in parts]
        self._bytes = _known_bytes(parts)
        self._options = options
        self._unfinished: list[InputRecord] = []
        self._lines = 0
        self._reading = [part.source for part in parts]
        self._bytes_read = 0

    @property
    def origins(self) -> list[Path]:
        """The files and objects that are read, which no output may take the place of."""
        return [place for part in self._parts if (place := part.source.origin.place) is not None]

    @property
    def names(self) -> set[str]:
        """The columns of the table, as far as they are known."""
        mappings = [plan.mapping for plan in self.plans]
        return {name for one in mappings for name in (*one.columns, *one.carried.values())}

    @property
    def renamed(self) -> dict[str, str]:
        """Source columns that have another name in the table, and none that a column of it has."""
        mappings = [plan.mapping for plan in self.plans]
        pairs = [(source, name) for one in mappings for name, source in one.sources.items()]
        pairs += [pair for one in mappings for pair in one.carried.items()]
        return {source: name for source, name in pairs if source not in self.names}

    def idle_options(self) -> dict[str, str]:
        """The options that say of formats what no input has, each with a sentence that says so."""
        source, form, _ = self._parts[0]
        options, forms = self._options, [part.form for part in self._parts]
        has_effect = dict.fromkeys(
            ("delimiter", "quote", "escape", "comment"), any(o.is_delimited for o in forms)
        )
        has_effect |= {
            "skip_lines": any(one.dialect for one in forms),
            "log_format": any(one.kind == "log" for one in forms),
            "encoding": any(one.encoding for one in forms),
            "sheet": any(one.sheet for one in forms),
            "query": bool(source.origin.query),
        }
        idle = [
            name.replace("_", "-") for name, has in has_effect.items() if getattr(options, name) and not has
        ]
        return {option: f"--{option} has no effect: {source.name} is {form.label}." for option in idle}

    @property
    def log_forms(self) -> set[str]:
        """The forms of those inputs that are logs of web servers."""
        return {part.form.log_form for part in self._parts if part.form.log_form}

    @property
    def fine_times(self) -> bool:
        """Whether any `event_time` read so far has a fraction of a second."""
        return any(plan.fine_times for plan in self.plans)

    def share(self) -> float | None:
        """How much of the inputs was read so far, from 0 to 1; None where their size is not known."""
        read = self._bytes_read + sum(source.size for source in self._reading)
        return read / self._bytes if self._bytes else None

    def batches(self) -> Iterator[Batch]:
        """The rows of all inputs, in their order; can be read once. Each input gives at least an empty batch.

        A report comes as one batch: which of its rows restate others, only all of them show. Raises DataError
        if an input turns out to be damaged.
        """
        for place, (source, _, _) in enumerate(self._parts):
            rows_before = self.rows_read
            batches = self._batches_of(place)
            if self.table.name == "report":
                yield self._settled(list(batches), place)
            else:
                yield from batches
            rows = self.rows_read - rows_before
            said = {
                **source.as_json(),
                "format": self._parts[place].form.as_json(),
                **self.plans[place].as_json(),
            }
            if served := self._served[place]:
                said["user_id_from"] = dict(served)
            self._end_input(InputRecord(source.name, source.size, rows, source.sha256, said))

    @property
    def is_of_files(self) -> bool:
        """Whether all inputs are files, which others can read too."""
        return all(part.source.is_file for part in self._parts)

    def parts(self, sharers: int | None = None) -> list[Part]:
        """The parts that the inputs can be read in, at least two for each of so many who share the work."""
        size = PART_BYTES
        if sharers is not None and self._bytes:
            size = min(max(self._bytes // (2 * sharers), LEAST_PART_BYTES), size)
        return parts_of([(source, form) for source, form, _ in self._parts], self.table.name, size)

    def part(self, part: Part) -> TableStream:
        """One part of the inputs as a stream of its own, to be read here or elsewhere."""
        inputs = [
            OpenInput(
                self._parts[place].source.spanned(part.span),
                self._parts[place].form._replace(sample=None),
                self.plans[place],
            )
            for place in range(part.first, part.last)
        ]
        self._reading = [one.source for one in inputs]
        stream = TableStream(inputs, self._options, [])
        stream.notes = []
        stream.watch = self.watch
        if self.leave_out is not None:
            stream.leave_out = copy(self.leave_out)
            stream.leave_out.rows = Counter()
        return stream

    def described(self) -> list[object]:
        """How the inputs are read, in plain values, whatever is in them."""
        known = [
            (s.name, f.columns, f.as_json(), p.as_json(), sorted(p.columns | p.needs))
            for s, f, p in self._parts
        ]
        return [*known, replace(self._options, memory=0)]

    def hashes(self) -> list[str]:
        """SHA-256 of each input."""
        return [part.source.hashed() for part in self._parts]

    def told(self) -> PartRead:
        """What reading told, once all is read."""
        return PartRead(
            self.rows_read,
            self.rows_rejected,
            self.inputs,
            self.notes,
            self.unknown_event_types,
            self.fine_times,
            sum(part.source.lines for part in self._parts),
            {} if self.leave_out is None else self.leave_out.rows,
        )

    def take(self, part: Part, read: PartRead) -> int:
        """Count what was read of the next part; by how many lines the numbers of its lines are too low."""
        self._reading = []
        self._bytes_read += sum(record.bytes for record in read.inputs)
        self.rows_read += read.rows_read
        self.rows_rejected += read.rows_rejected
        self.unknown_event_types.update(read.unknown_event_types)
        if read.fine_times:
            self.plans[part.first] = replace(self.plans[part.first], fine_times=True)
        if self.leave_out is not None:
            self.leave_out.rows.update(read.left_out)
        if part.span is None:
            self.inputs += read.inputs
            self.notes += read.notes
            return 0
        dialect = self._parts[part.first].form.dialect
        before = self._lines - (dialect.header_lines if self._lines and dialect else 0)
        self._lines += read.lines
        self._unfinished += read.inputs
        file = self._parts[part.first].source.path
        if part.is_end and file is not None:
            self._end_input(joined(self._unfinished, file))
            self._unfinished, self._lines = [], 0
        return before

    def _end_input(self, record: InputRecord) -> None:
        self.inputs.append(record)
        if served := (record.read_as or {}).get("user_id_from"):
            self.notes.append(f"{record.path}: {served_note(served, record.rows)}.")

    def whole(self, frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
        """The frames of these batches as one. Raises DataError if it takes more memory than a table may."""
        name = self._parts[0].source.name + (" and the others" if len(self._parts) > 1 else "")
        return concatenated(held(frames, self._options.memory, f"{name}, as a table,"))

    def reject(self, count: int) -> None:
        """Count rows as rejected that were accepted at first."""
        self.rows_rejected += count

    def _batches_of(self, place: int) -> Iterator[Batch]:
        """The rows of one input."""
        source, form, _ = self._parts[place]
        is_any = False
        try:
            for raw in form.read(source):
                is_any = True
                yield self._conformed(raw, place, source)
        finally:
            source.close()
        if not is_any:
            yield self._conformed(no_rows(form.columns), place, source)

    def _settled(self, batches: Sequence[Batch], place: int) -> Batch:
        """All rows of one report, without those that are sums of others."""
        sources, by_hand = self.plans[place].mapping.sources, self._options.column_map
        batch, notes = settle_report(batches, sources, by_hand)
        self.notes += [f"{batch.file}: {note}." for note in notes]
        self.reject(sum(one.frame.height for one in batches) - batch.frame.height)
        return batch

    def _conformed(self, raw: RawBatch, place: int, source: Source) -> Batch:
        """A batch in the table's columns; what it shows for the first time becomes part of the plan."""
        if (shop := self._shops[place]) is not None:
            raw = shop.completed(raw)
        options = self._options
        plan = with_new_columns(self.plans[place], raw.typed, source.name, options.constants, options.given)
        batch = conform(raw, plan, source.name)
        if self.leave_out is not None:
            batch = without(batch, self.leave_out)
        if self.watch is not None:
            self.watch(batch)
        times = batch.frame["event_time"] if "event_time" in batch.frame.columns else None
        if times is not None and times.dtype == UTC and not plan.fine_times:
            plan = replace(plan, fine_times=bool((times.dt.microsecond() != 0).any()))
        self.plans[place] = plan
        self.rows_read += batch.frame.height + batch.rejects.height
        self.rows_rejected += batch.rejects.height
        self.unknown_event_types.update(batch.unknown_event_types)
        self._served[place].update(batch.served)
        return batch


def open_table(
    inputs: Sequence[str],
    *,
    tables: Sequence[str],
    options: ReadOptions | None = None,
    needs: Sequence[str] = (),
) -> TableStream:
    """The inputs as one standard table: what they are is found out now, their rows are read by `batches()`.

    Args:
        inputs: Paths, globs, or `-` for standard input.
        tables: Standard tables in order of preference; the first is taken into which all inputs fit.
        options: How to read, where the user says so.
        needs: Further standard columns that the caller cannot do without.

    Raises:
        UsageError: If an input does not exist, or an option names what is not there.
        DataError: If an input cannot be read as any of the tables.
    """
    options = options or ReadOptions()
    sources = expand(inputs, options.query)
    try:
        return _opened(sources, tables, options, needs)
    except AdcliError:
        for source in sources:
            source.close()
        raise


def _opened(
    sources: Sequence[Source], tables: Sequence[str], options: ReadOptions, needs: Sequence[str]
) -> TableStream:
    layout = options.checked()
    found: list[tuple[Source, Format]] = []
    empty: list[Source] = []
    if options.verify:
        verify_sources(sources)
    for source in sources:
        form = recognise_format(source, layout, options.memory)
        if form is None:
            empty.append(source)
        else:
            found.append((source, form.of(source.origin)))
    if not found:
        raise DataError(f"{empty[0].name}: is empty: there is nothing to read.")
    headers = [Header(source.name, form.columns, form.kind == "log", form.sample) for source, form in found]
    if options.is_beside:
        there = {normalised(column) for header in headers for column in header.columns}
        own = {name: source for name, source in options.column_map.items() if normalised(source) in there}
        set_here = {name: value for name, value in options.constants.items() if name != "event_type"}
        options = replace(options, column_map=own, constants=set_here)  # what happened there, it says itself
    mappings = choose_table(
        [TABLES[name] for name in ([options.table] if options.table else tables)],
        headers,
        options.column_map,
        options.constants,
        needs,
        is_named=options.table is not None,
    )
    plans = plan_inputs(found, mappings, needs, options.given)
    parts = [OpenInput(source, form, plan) for (source, form), plan in zip(found, plans, strict=True)]
    return TableStream(parts, options, [f"{source.name}: is empty." for source in empty])


def _known_bytes(parts: Sequence[OpenInput]) -> int | None:
    """The size of all inputs if each is a file that is read from its start to its end."""
    sizes = [
        source.path.stat().st_size
        for source, form, _ in parts
        if source.path is not None and form.encoding is not None
    ]
    return sum(sizes) if len(sizes) == len(parts) else None


def _notes(parts: Sequence[OpenInput]) -> list[str]:
    """What each input was taken for; inputs alike share one sentence."""
    alike: dict[str, list[str]] = {}
    for source, form, plan in parts:
        said = "; ".join([form.label, describe(plan.mapping), *plan.notes()])
        alike.setdefault(f"{said}.", []).append(source.name)
    return [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {said}"
        for said, names in alike.items()
    ]
