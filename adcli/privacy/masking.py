"""Masks: columns without the personal data that their texts hold.

A pattern in Rust finds the rows that could hold any; only their distinct texts are looked at closely.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import polars as pl

from adcli.privacy.personal_data import CANDIDATES, masked

KINDS: Final = tuple(CANDIDATES)
_ANY: Final = (
    r"@|%40|(?:\d[^0-9A-Za-z]{0,3}){6}|[A-Za-z]{2}\d{2}|\d[A-Z]|[A-Z]\d"
    r"|:[0-9A-Fa-f]{0,4}:|(?i:nam|nom|cogn|apell|recip)|\p{Han}"
)
LABEL: Final = re.compile(r"\[(email|phone|card|iban|ip|national_id|name)\]")
_NAME_COLUMNS: Final = re.compile(
    r"(?i)(?:(?:first|last|full|customer|user|reviewer|recipient|billing|shipping|contact|given|family|sur|buyer)"
    r"[_ .-]?name|author|reviewer|recipient|vorname|nachname|nom|pr[ée]nom|apellidos?|姓名|收件人|收货人)"
)
_SHORTEST_NAME: Final = 3


def is_name_column(name: str) -> bool:
    """Whether a column holds the names of persons, by what it is called."""
    return _NAME_COLUMNS.fullmatch(name) is not None


class Mask:
    """Masks the texts of a column, or all of each where the column holds names.

    Attributes:
        counts: How often each kind was found.
    """

    def __init__(self, regions: Sequence[str] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self._regions = tuple(regions)
        self._candidates = (
            CANDIDATES if not regions else {**CANDIDATES, "phone": r"(?:\d[ ().\-/]{0,2}){6}\d"}
        )

    def __call__(self, values: pl.Series) -> pl.Series:
        """(n,) texts with `[email]` and so on in place of what was found."""
        values = values.cast(pl.String)
        if is_name_column(values.name):
            self.counts["name"] += len(values) - values.null_count()
            return (
                pl.Series(values.name, ["[name]"]).new_from_index(0, len(values)).set(values.is_null(), None)
            )
        could = values.str.contains(_ANY).fill_null(value=False)
        rows = could.arg_true()
        if not len(rows):
            return values
        hits = values.gather(rows)
        distinct = hits.unique()
        frame = pl.DataFrame([distinct.str.contains(self._candidates[kind]).alias(kind) for kind in KINDS])
        is_any = frame.select(pl.any_horizontal(pl.all())).to_series()
        texts = distinct.filter(is_any)
        kinds = (
            [kind for kind, has in zip(KINDS, row, strict=True) if has] for row in frame.filter(is_any).rows()
        )
        pairs = zip(texts.to_list(), kinds, strict=True)
        found = pl.Series([masked(text, self._regions, some) for text, some in pairs], dtype=pl.String)
        is_changed = found != texts
        out = hits.replace(texts.filter(is_changed), found.filter(is_changed))
        for kind, count in _labels(out.filter(out != hits)).items():
            self.counts[kind] += count
        return values.scatter(rows, out)


def _labels(texts: pl.Series) -> Counter[str]:
    return Counter(LABEL.findall("\n".join(texts.to_list())))


def without_own_names(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The frame, its columns without the names that stand in their own row's columns of names.

    `Thanks! Anna Schmidt` has no name left where `reviewer_name` is `Anna Schmidt`.
    """
    names = [name for name in frame.columns if is_name_column(name) and frame.schema[name] == pl.String]
    for column in columns:
        if column not in frame.columns or frame.schema[column] != pl.String or is_name_column(column):
            continue
        for name in names:
            texts, own = frame[column], frame[name].str.strip_chars()
            is_in = frame.select(
                pl.lit(texts.str.to_lowercase()).str.contains(pl.lit(own.str.to_lowercase()), literal=True)
            ).to_series()
            rows = (is_in & (own.str.len_chars() >= _SHORTEST_NAME)).fill_null(value=False).arg_true()
            pairs = zip(texts.gather(rows).to_list(), own.gather(rows).to_list(), strict=True)
            cut = [re.sub(rf"(?i)(?<!\w){re.escape(who)}(?!\w)", "[name]", text) for text, who in pairs]
            frame = frame.with_columns(texts.scatter(rows, pl.Series(cut, dtype=pl.String)))
    return frame
