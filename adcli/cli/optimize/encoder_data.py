"""Files to what an encoder can learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from adcli.cli.optimize.encoder_options import Learning
from adcli.cli.options import moment_of
from adcli.cli.run import Run
from adcli.cli.text_model import TEXT_NAMES
from adcli.errors import DataError, UsageError, require_known

if TYPE_CHECKING:
    import polars as pl

    from adcli.core.training.encoder.evaluations import HeldOut
    from adcli.core.training.encoder.examples import Labelled
    from adcli.optimize.encoder.replay import Material

UNLABELLED = ("events", "reviews", "products", "queries")
LABELLED = ("impressions", "reviews", "products", "queries", "contexts")
CLAIMS_HELD_OUT = 400
MOST_WEIGHT = 10.0  # of a row, in means: beyond, one rare row would decide


class Data(NamedTuple):
    """What one input gives."""

    material: Material  # what is learned from
    validation: HeldOut | None  # the evaluation that decides when to stop
    test: HeldOut | None  # the one that is reported
    documents: Sequence[str]  # texts among which hard negatives are found
    counts: dict[str, int]  # what there was, for people and for the JSON
    taken: pl.DataFrame | None = None  # of behaviour, the items that were taken before anything is held out


class LabelledTexts(NamedTuple):
    """Texts with their labels."""

    frame: pl.DataFrame  # (n,) the rows
    texts: list[str]  # (n,) their texts
    labels: list[int | None]  # (n,) position of each row's label in `names`; None for none
    names: list[str]  # the labels there are
    groups: Sequence[int] = ()  # (n,) what each text is about, if labels are learned within it
    weights: Sequence[float] = ()  # (n,) what each row counts, if not the same

    def known(self) -> Labelled:
        """The rows that have a label and a text."""
        from adcli.core.training.encoder.examples import Labelled

        labels = [-1 if label is None else label for label in self.labels]
        both = enumerate(zip(self.texts, labels, strict=True))
        kept = [place for place, (text, label) in both if label >= 0 and text.strip()]
        return Labelled(self.texts, labels, self.names, self.groups, self.weights).those(kept)


def read_data(run: Run, inputs: Sequence[str] | None, learning: Learning) -> Data:
    """Behaviour, labelled texts or texts, split into what is learned from and what is held out."""
    if learning.objective == "claims":
        return _claims(run, inputs)
    if learning.reviewed is not None:
        return _labelled(run, _reviewed(run, inputs, learning.reviewed))
    if learning.label is not None:
        return _labelled(run, read_rows(run, inputs, learning))
    tables = [*UNLABELLED, "impressions", *(["contexts"] if learning.text else [])]
    stream = run.stream(inputs, tables=tables)
    table = stream.table.name
    with run.step("read"):
        frame = _until(stream.whole(run.frames(stream)), learning)
    if table == "events":
        return _behaviour(run, frame, learning)
    if table == "impressions":
        return _labelled(run, _shown_rows(run, frame, "click", learning))
    return _texts_alone(run, frame, table, learning)


def _claims(run: Run, inputs: Sequence[str] | None) -> Data:
    """True and false claims about the products of a catalogue, each with its evidence."""
    import numpy as np

    from adcli.copy.evidence import NAMES, evidence_for, pair_of
    from adcli.copy.facts import catalogue_facts
    from adcli.copy.swaps import asked, made_claims, training_phrases
    from adcli.core.training.encoder.examples import Labelled
    from adcli.optimize.encoder.splits import split_labelled

    frame = run.read(inputs, tables=["products"])
    with run.step("claims"):
        products = catalogue_facts(frame.to_dicts()).products
        made = made_claims(products, training_phrases(), seed=run.seed)
        claims = asked(made, products, seed=run.seed)
    texts = [pair_of(claim.text, evidence_for(claim.text, products[claim.product])) for claim in claims]
    order = np.random.default_rng(run.seed).permutation(len(texts))
    held, learned = (
        Labelled([texts[i] for i in part], [int(not claims[i].kind) for i in part], NAMES)
        for part in np.split(order, [min(CLAIMS_HELD_OUT, len(order) // 5)])
    )
    counts = {"claims": len(texts), "products": len(products), "learned from": len(learned.texts)}
    run.note(f"{len(texts):,} claims about {len(products):,} products, as many true as false.")
    return Data(learned, None, split_labelled(held, seed=run.seed).test, learned.texts, counts)


def _reviewed(run: Run, inputs: Sequence[str] | None, path: str) -> LabelledTexts:
    """The ads that people accepted or rejected, and what they edited them into."""
    from adcli.copy.review import reviewed

    ads = run.read(inputs, tables=["ads"])
    found = reviewed(run.read([path], tables=["decisions"], secondary=True), ads)
    return LabelledTexts(ads, found.texts, [int(it) for it in found.accepted], ["rejected", "accepted"])


def read_rows(run: Run, inputs: Sequence[str] | None, learning: Learning) -> LabelledTexts:
    """Rows with the label that `--label` names; without it all are unlabelled."""
    stream = run.stream(inputs, tables=LABELLED)
    with run.step("read"):
        frame = _until(stream.whole(run.frames(stream)), learning)
    label = None if learning.label is None else run.column(learning.label)
    if stream.table.name == "impressions" and label is not None:
        return _shown_rows(run, frame, label, learning)
    return _rows(frame, _texts(run, frame, stream.table.name, learning), label)


def _shown_rows(run: Run, frame: pl.DataFrame, label: str, learning: Learning) -> LabelledTexts:
    """What was shown with its label; of several texts about one item it is learned which does better.

    Rows count by one over their propensity: what was rarely shown counts for what was not shown.
    """
    import numpy as np
    import polars as pl

    frame = _with_ads(run, frame, learning)
    texts = _texts(run, frame, "impressions", learning)
    rows = _rows(frame, texts, label)
    said = frame.with_columns(pl.Series("said", texts, pl.String))
    if "item_id" in frame.columns:
        several = said.group_by("item_id").agg(pl.col("said").n_unique())["said"]
        if (several > 1).any() and len(rows.names) == 2:
            place = frame.select(pl.col("item_id").rank("dense").fill_null(0))["item_id"]
            rows = rows._replace(groups=place.to_list())
            run.note("learned within items: what draws clicks to an item as such is left to the item.")
    if "propensity" in frame.columns:
        weights = 1 / frame["propensity"].fill_null(1.0).to_numpy()
        rows = rows._replace(weights=np.minimum(weights / weights.mean(), MOST_WEIGHT).tolist())
        run.note("rows are weighted by 1 / propensity.")
    return rows


def _with_ads(run: Run, frame: pl.DataFrame, learning: Learning) -> pl.DataFrame:
    """The log with the texts of its ads, where --catalog is a table of ads."""
    if not learning.catalog or "ad_id" not in frame.columns or {"text", "headline"} & set(frame.columns):
        return frame
    ads = run.read([learning.catalog], tables=["ads", "products", "events"], secondary=True)
    if "ad_id" not in ads.columns:
        return frame
    wanted = [name for name in ("item_id", "segment_id", "text") if name not in frame.columns]
    return frame.join(
        ads.select("ad_id", *(set(wanted) & set(ads.columns))).unique("ad_id"),
        on="ad_id",
        how="left",
        maintain_order="left",
    )


def _until(frame: pl.DataFrame, learning: Learning) -> pl.DataFrame:
    """The rows before the cutoff."""
    import polars as pl

    if learning.cutoff is None:
        return frame
    if "event_time" not in frame.columns:
        raise UsageError("--cutoff needs times, and the input has no column event_time.")
    kept = frame.filter(pl.col("event_time") < moment_of(learning.cutoff))
    if not kept.height:
        raise DataError(f"No row is before --cutoff {learning.cutoff}.", fix="Give a later one.")
    return kept


def _behaviour(run: Run, events: pl.DataFrame, learning: Learning) -> Data:
    import polars as pl

    from adcli.optimize.encoder.behaviour_pairs import (
        behaviour_pairs,
        events_with_texts,
        item_texts,
        taken_items,
    )
    from adcli.optimize.encoder.splits import held_out_since, split_pairs, with_next_items

    items = _catalogue(run, learning) if learning.catalog else item_texts(events)
    with run.step("pairs"):
        known_events = events_with_texts(events, items, seed=run.seed)
        pairs, taken = behaviour_pairs(known_events), taken_items(known_events)
        documents = items["text"].unique(maintain_order=True).to_list()
        split = split_pairs(pairs, documents, seed=run.seed)
        since = held_out_since(pairs)
        split = with_next_items(split, taken, since, seed=run.seed)
        known = taken if since is None else taken.filter(pl.col("event_time") < since)
    by_source = dict(pairs["source"].value_counts(sort=True).iter_rows())
    counts = {**by_source, "learned from": len(split.train.anchors)}
    run.note(f"{pairs.height:,} pairs: " + ", ".join(f"{n:,} {name}" for name, n in by_source.items()))
    return Data(split.train, split.validation, split.test, documents, counts, known)


def _catalogue(run: Run, learning: Learning) -> pl.DataFrame:
    """`item_id text` of the catalogue."""
    from adcli.embed.texts import texts_of
    from adcli.tables.standard.items import products_of_events

    products = run.read([str(learning.catalog)], tables=["products", "events"], secondary=True)
    if "event_type" in products.columns:
        products = products_of_events(products)
    texts = texts_of(products, "products", learning.text)
    return products.select("item_id").with_columns(texts.alias("text"))


def _texts_alone(run: Run, frame: pl.DataFrame, table: str, learning: Learning) -> Data:
    from adcli.optimize.encoder.splits import split_texts

    split = split_texts(_texts(run, frame, table, learning), seed=run.seed)
    counts = {"texts": frame.height, "learned from": len(split.train.texts)}
    run.note(f"{frame.height:,} texts, {len(split.train.texts):,} different ones to learn from")
    return Data(split.train, split.validation, split.test, split.train.texts, counts)


def _labelled(run: Run, rows: LabelledTexts) -> Data:
    from adcli.optimize.encoder.splits import split_labelled

    known = rows.known()
    if len(set(known.labels)) < 2:
        raise DataError(
            f"The labels have {len(set(known.labels))} different values among {len(known.texts):,} labelled "
            "rows, so there is nothing to learn."
        )
    split = split_labelled(known, seed=run.seed)
    counts = {name: known.labels.count(place) for place, name in enumerate(rows.names)}
    run.note(
        f"{len(known.texts):,} labelled texts: " + ", ".join(f"{n:,} {name}" for name, n in counts.items())
    )
    return Data(split.train, split.validation, split.test, known.texts, counts)


def _texts(run: Run, frame: pl.DataFrame, table: str, learning: Learning) -> list[str]:
    """(n,) the text of each row: from the columns named, from the usual ones, or of the item."""
    from adcli.embed.texts import TEXT_COLUMNS, texts_of

    columns = run.columns(learning.text)
    if not columns and table not in TEXT_COLUMNS:
        columns = [name for name in frame.columns if name.lower() in TEXT_NAMES]
        if table == "impressions" and columns:
            return _shown(frame, columns)
        if not columns and learning.catalog and "item_id" in frame.columns:
            texts = _catalogue(run, learning).unique("item_id", keep="first")
            joined = frame.select("item_id").join(texts, on="item_id", how="left", maintain_order="left")
            return joined["text"].fill_null("").to_list()
        if not columns:
            raise DataError(
                f"The input has no column of texts; it has {', '.join(frame.columns)}.",
                fix="Name one with --text, or give --catalog PRODUCTS for what items say.",
            )
    return texts_of(frame, table, columns).to_list()


def _shown(frame: pl.DataFrame, columns: list[str]) -> list[str]:
    """(n,) the text of each ad that was shown, with the segment it was for."""
    from adcli.copy.ad import shown_to
    from adcli.embed.texts import texts_of

    ads = texts_of(frame, "impressions", ["text"] if "text" in columns else columns)
    segments = frame["segment_id"] if "segment_id" in frame.columns else [None] * frame.height
    return [shown_to(text, segment) for text, segment in zip(ads, segments, strict=True)]


def _rows(frame: pl.DataFrame, texts: list[str], label: str | None) -> LabelledTexts:
    import polars as pl

    if label is None:
        return LabelledTexts(frame, texts, [None] * frame.height, [])
    sentence = f"There is no column '{label}' for --label; there are {', '.join(frame.columns)}."
    require_known(label, frame.columns, sentence)
    values = frame[label].cast(pl.String).str.strip_chars().replace("", None)
    names = sorted(values.drop_nulls().unique())
    place = {name: number for number, name in enumerate(names)}
    return LabelledTexts(frame, texts, [None if v is None else place[v] for v in values], names)
