"""The page of `evaluate embeddings`: figures, a map, and neighbours to look at."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from adcli.evaluate.embeddings.table import with_categories
from adcli.numbers import show
from adcli.report import Page, Passage, Plot, Table, bar_plot, definitions, map_plot
from adcli.report.table import heading, show_figure
from adcli.statistics.retrieval import unit_vectors

NEIGHBOURS: Final = 5
ROWS_SHOWN: Final = 12
METHOD: Final = (
    Passage(
        "Retrieval",
        "For each row, or each user, the candidates are ordered by cosine. Recall at k is the share of right "
        "answers among the first k, by the smaller of k and their number; MRR is the mean reciprocal rank of "
        "the first; NDCG discounts by the logarithm of the rank (Järvelin and Kekäläinen, 2002). Intervals "
        "are Wilson's, on the number of queries whose outcomes vary as much.",
    ),
    Passage(
        "How vectors lie",
        "Anisotropy is the mean cosine of two rows (Ethayarajh, 2019); alignment and uniformity are those of "
        "Wang and Isola (2020).",
    ),
    Passage(
        "The map",
        "The two directions in which the vectors differ most (principal components). Most of what makes them "
        "alike lies in other directions; nearness on the map is a hint, the neighbours listed are the fact.",
    ),
)


def embeddings_page(
    figures: pl.DataFrame, vectors: pl.DataFrame, products: pl.DataFrame | None, *, seed: int
) -> Page:
    """The page for a table made by `embedding_table`.

    `vectors`: the vectors it is about; `products`: products that say categories and titles.
    """
    known = with_categories(vectors, products)
    if products is not None and "title" in products.columns:
        titles = products.select(pl.col("item_id").alias("id"), "title").unique("id", keep="first")
        known = known.drop("title", strict=False).join(titles, on="id", how="left", maintain_order="left")
    is_category = pl.col("group").is_in(known["category"].drop_nulls().unique().implode())
    shown, kinds = figures.drop("definition"), _kinds(figures)
    return Page(
        title="Embeddings",
        summary=_summary(figures),
        tables=[
            Table("Retrieval and geometry", shown.filter(~is_category), kinds=kinds),
            Table("Neighbours to look at", neighbour_table(known, seed=seed)),
        ],
        details=[Table("By category", shown.filter(is_category), kinds=kinds)],
        plots=[*_recall_plot(figures), _map(known)],
        method=[*METHOD, *definitions(figures.filter(~pl.col("metric").str.contains("@")))],
    )


def neighbour_table(known: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Some rows, spread over the categories, and the five nearest of each: `row neighbour cosine`.

    `known`: the vectors table with `category`.
    """
    units = unit_vectors(known["embedding"].to_numpy())
    name = pl.coalesce([pl.col(column) for column in ("title", "query", "id") if column in known.columns])
    names = known.select(name.alias("name"))["name"]
    shuffled = (
        known.select("kind", "category").with_row_index("row").sample(fraction=1, shuffle=True, seed=seed)
    )
    turn = pl.int_range(pl.len()).over("kind", "category")
    shown = (
        shuffled.with_columns(turn.alias("turn")).sort("turn", "row").head(ROWS_SHOWN)["row"].sort().to_list()
    )
    rows = []
    for row in shown:
        cosines = units @ units[row]
        cosines[row] = -np.inf
        nearest = np.argsort(-cosines, kind="stable")[: min(NEIGHBOURS, len(units) - 1)].tolist()
        rows += [(names[row], names[other], float(cosines[other])) for other in nearest]
    return pl.DataFrame(
        rows, schema={"row": pl.String, "neighbour": pl.String, "cosine": pl.Float64}, orient="row"
    )


def _summary(figures: pl.DataFrame) -> str:
    rows = figures.filter((pl.col("group") == "all") & pl.col("metric").str.ends_with("recall@10"))
    chance = figures.filter(pl.col("group") == "by chance").select("metric", "value").iter_rows()
    random = {metric: f" ({show(value, 'rate')} in random order)" for metric, value in chance}
    sentences = [
        f"{heading(row['metric'].removesuffix('_recall@10'))}: recall at 10 is "
        f"{show_figure(row, kind='rate')}"
        f"{random.get(row['metric'], '')}."
        for row in rows.to_dicts()
    ]
    return "\n".join(sentences) or "No retrieval task was possible: no categories, no events."


def _kinds(figures: pl.DataFrame) -> dict[str, str]:
    """How the figures are read: what is found are shares."""
    found = figures.filter(pl.col("metric").str.contains("_recall@|_mrr|_ndcg@"))["metric"].unique()
    return dict.fromkeys(found, "rate")


def _recall_plot(figures: pl.DataFrame) -> list[Plot]:
    """Recall at 10 by category, where there are several."""
    rows = figures.filter((pl.col("metric") == "same_category_recall@10") & pl.col("ci_low").is_not_null())
    title = "Recall at 10 of a row's own category"
    plot = bar_plot("recall", title, rows, label="group", axis="Recall at 10", kind="rate")
    return [plot] if rows.height > 1 else []


def _map(known: pl.DataFrame) -> Plot:
    """The vectors in the two directions in which they differ most."""
    units = unit_vectors(known["embedding"].to_numpy()).astype(np.float64)
    around = units - units.mean(axis=0)
    _, directions = np.linalg.eigh(around.T @ around)
    places = around @ directions[:, ::-1][:, :2]
    labels = known.select(pl.coalesce("category", "kind").alias("label"))["label"].to_list()
    return map_plot("map", "Map of the vectors", places[:, 0], places[:, -1], labels)
