"""The text of a product, a review, a query.

    texts_of(products, "products")[0]
    # 'Elegance Door Curtain. Home Furnishing > Curtains. This curtain enhances the look of the interiors.'

Broken encodings, markup and category strings such as `["A >> B >> The title, cut sho..."]` are read as what
they mean. A row without any text has the empty text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from adcli.copy.wording import category_path, plain_text
from adcli.errors import require_known

TEXT_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "products": ("title", "brand", "category", "description"),
    "reviews": ("title", "text"),
    "queries": ("query",),
}
STEP: Final = " > "

# What `plain_text` would change; all other texts need only their ends stripped, which polars does faster.
_UNUSUAL = r"[ÂÃâ<&\p{Cc}\p{Cf}\u{2028}\u{2029}]|\s\s|[^\S ]"
_NESTED = r"""[>\[\]|›»"]|/\s|\.\.\.$"""


def texts_of(frame: pl.DataFrame, table: str, columns: Sequence[str] = ()) -> pl.Series:
    """(n,) the text of each row.

    `frame`: rows of a standard table; `table`: its name: products, reviews or queries; `columns`: columns
    that make the text, in place of `TEXT_COLUMNS`. Raises DataError if one of `columns` is not there.
    """
    for name in columns:
        sentence = f"There is no column '{name}' to take texts from; there are {', '.join(frame.columns)}."
        require_known(name, frame.columns, sentence)
    wanted = columns or [name for name in TEXT_COLUMNS[table] if name in frame.columns]
    parts = {name: cleaned(frame[name]) for name in wanted}
    if not columns and table == "products":
        if "category" in parts:
            parts["category"] = category_texts(frame)
        parts = _once_each(parts)
    return _sentences(list(parts.values()), frame.height)


def cleaned(values: pl.Series) -> pl.Series:
    """(n,) each value as plain text on one line; empty for null."""
    text = values.cast(pl.String).fill_null("").str.strip_chars()
    unusual = text.filter(text.str.contains(_UNUSUAL)).unique(maintain_order=True)
    if not len(unusual):
        return text
    return text.replace(unusual, pl.Series([plain_text(value) for value in unusual], dtype=pl.String))


def category_texts(products: pl.DataFrame) -> pl.Series:
    """(n,) the category path of each product: `Home Furnishing > Curtains`; empty for none."""
    raw = products["category"].cast(pl.String).fill_null("")
    nested = raw.str.contains(_NESTED)
    if not nested.any():
        return cleaned(raw)
    pairs = pl.DataFrame({"raw": raw, "title": cleaned(products["title"])})
    distinct = pairs.filter(nested).unique(maintain_order=True)
    steps = [STEP.join(category_path(category, title=title)) for category, title in distinct.iter_rows()]
    read = distinct.with_columns(pl.Series("category", steps, dtype=pl.String))
    joined = pairs.join(read, on=["raw", "title"], how="left", maintain_order="left")
    return joined["category"].fill_null(cleaned(raw)).alias("category")


def _once_each(parts: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    """The parts of products without a brand or a description that the title repeats."""
    frame = pl.DataFrame(parts)
    title = pl.col("title").str.to_lowercase()
    repeated = {
        "brand": title.str.contains(pl.col("brand").str.to_lowercase(), literal=True),
        "description": pl.col("description").str.to_lowercase() == title,
    }
    kept = frame.with_columns(
        pl.when(repeated[name]).then(pl.lit("")).otherwise(name).alias(name)
        for name in repeated
        if name in parts
    )
    return {name: kept[name] for name in parts}


def _sentences(parts: Sequence[pl.Series], rows: int) -> pl.Series:
    """(rows,) the parts that are not empty, each ended by a full stop if another follows it."""
    if not parts:
        return pl.Series("text", [""]).new_from_index(0, rows)
    frame = pl.DataFrame([part.alias(str(number)) for number, part in enumerate(parts)])
    filled: list[pl.Expr] = [pl.when(pl.col(name) != "").then(name) for name in frame.columns]
    joined = pl.concat_str([part.str.replace(r"[.\s]+$", "") for part in filled[:-1]] + filled[-1:],
                           separator=". ", ignore_nulls=True)  # fmt: skip
    return frame.select(joined.fill_null("").alias("text")).to_series()
