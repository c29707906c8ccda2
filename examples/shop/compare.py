"""Hold what each step said against the truth of the simulated shop.

    python compare.py --out out

Reads whatever the steps have written below `--out` beside `raw/truth.json`, and prints one line for each
thing that can be checked. An interval of 95 % misses the truth one time in twenty; a single miss is no fault.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from advertising import conversions
from numpy.typing import NDArray
from world import SEGMENT_SHARE, click_probability, promoted_of, requests_of

from adcli.numbers import show, show_interval

NEIGHBOURS = 5


class Line(NamedTuple):
    """One comparison: which step, what, what it said, what is true, and whether they agree."""

    step: str
    what: str
    said: str
    truth: str
    agrees: bool


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out"), help="folder that holds raw/ and the outputs"
    )
    out = parser.parse_args().out
    truth = json.loads((out / "raw" / "truth.json").read_text(encoding="utf-8"))
    lines = [line for check in CHECKS for line in check(out, truth)]
    print_table(lines)
    agreeing = sum(line.agrees for line in lines)
    print(f"\n{agreeing} of {len(lines)} agree with the truth.")


def cleaned(out: Path, truth: dict[str, Any]) -> Iterator[Line]:
    """Rows rejected, against the bad rows that were put in."""
    for name, rows in truth["rows"].items():
        manifest = out / f"{name}.parquet.meta.json"
        if not manifest.exists():
            continue
        counted = json.loads(manifest.read_text(encoding="utf-8"))["rows"]
        bad = sum(rows["bad"].values())
        yield Line(
            "clean",
            f"{name}: rejected of read",
            f"{counted['rejected']:,} of {counted['read']:,}",
            f"{bad:,} of {rows['lines']:,}",
            (counted["rejected"], counted["read"]) == (bad, rows["lines"]),
        )


def embedded(out: Path, truth: dict[str, Any]) -> Iterator[Line]:
    """Whether near products are of one category and near users of one taste, more than by chance."""
    if (out / "vectors.parquet").exists() and (out / "products.parquet").exists():
        category = dict(pl.read_parquet(out / "products.parquet").select("item_id", "category").iter_rows())
        names = [*category.values()]
        chance = float(np.mean([names.count(name) - 1 for name in names]) / (len(names) - 1))
        yield _neighbours(out / "vectors.parquet", category, "products: near ones of one category", chance)
    if (out / "users.parquet").exists():
        taste = {user: known["segment"] for user, known in truth["users"].items()}
        yield _neighbours(
            out / "users.parquet", taste, "users: near ones of one taste", float((SEGMENT_SHARE**2).sum())
        )


def generated(out: Path, truth: dict[str, Any]) -> Iterator[Line]:
    """Whether each advertisement speaks of its own product: shares a word with its title beyond the brand."""
    if not ((out / "ads.jsonl").exists() and (out / "products.parquet").exists()):
        return
    title = dict(pl.read_parquet(out / "products.parquet").select("item_id", "title").iter_rows())
    ads = pl.read_ndjson(out / "ads.jsonl")
    texts = zip(ads["item_id"], ads["text"], strict=True)
    named = [bool(_words(text) & _words(title.get(item, ""))) for item, text in texts]
    share = float(np.mean(named)) if named else 0.0
    yield Line(
        "generate",
        f"{len(named):,} ads: share a word with their title",
        show(share, "rate"),
        "all",
        share >= 0.9,
    )


def rated(out: Path, truth: dict[str, Any]) -> Iterator[Line]:
    """Click rates with their intervals, against the true rates."""
    if not (out / "rates.csv").exists():
        return
    rates = pl.read_csv(out / "rates.csv").filter(pl.col("metric") == "ctr")
    for row in rates.iter_rows(named=True):
        place = row.get("placement") or "all"
        if place in truth["ctr"]["impressions"] and row["value"] is not None:
            yield _interval(
                "evaluate rates", f"CTR, {place}", row, truth["ctr"]["impressions"][place], "rate"
            )


def _truly(step: str, earned: float, truth: dict[str, Any]) -> Line:
    """What decisions truly earn, between the ad server's policy and the best."""
    later = truth["policy_value"]["impressions_later"]
    reached_share = (earned - later["logging"]) / (later["best"] - later["logging"])
    return Line(
        step,
        "clicks per impression, truly",
        f"{show(earned, 'rate')}, {show(reached_share, 'rate')} of the possible gain",
        f"ad server {show(later['logging'], 'rate')}, best {show(later['best'], 'rate')}",
        reached_share > 0,
    )


def optimized(out: Path, truth: dict[str, Any]) -> Iterator[Line]:
    """The learned policy's estimates and what it truly earns, between the ad server's policy and the best."""
    if not (out / "decisions.parquet").exists():
        return
    later = truth["policy_value"]["impressions_later"]
    earned = value_of(pl.read_parquet(out / "decisions.parquet"), truth)
    yield _truly("optimize policy", earned, truth)
    if not (out / "value.csv").exists():
        return
    true_value = {"uniform": later["uniform"], "logged": later["logging"], "logging": later["logging"]}
    # The direct method's interval leaves out its model's error, as its verdict says: it is not held to it.
    values = pl.read_csv(out / "value.csv").filter(pl.col("estimator") != "dm")
    for row in values.iter_rows(named=True):
        what = f"{row['policy']} by {row['estimator']}"
        yield _interval("evaluate policy", what, row, true_value.get(row["policy"], earned), "rate")


def streamed(out: Path, truth: dict[str, Any]) -> Iterator[Line]:
    """What the stream's decisions truly earn, and what its own log says another policy would have earned."""
    if not (out / "live.parquet").exists() or not (out / "live_value.csv").exists():
        return
    yield _truly("optimize stream", value_of(pl.read_parquet(out / "live.parquet"), truth), truth)
    values = pl.read_csv(out / "live_value.csv").filter(pl.col("policy") == "uniform")
    for row in values.filter(pl.col("estimator").is_in(["snips", "dr"])).iter_rows(named=True):
        what = f"uniform by {row['estimator']}, from the stream's log"
        uniform = truth["policy_value"]["impressions_later"]["uniform"]
        yield _interval("optimize stream", what, row, uniform, "rate")


def tested(out: Path, truth: dict[str, Any]) -> Iterator[Line]:
    """The A/B test's differences, against the true effects of the new checkout."""
    if not (out / "ab.csv").exists():
        return
    for row in pl.read_csv(out / "ab.csv").iter_rows(named=True):
        if row["metric"] in truth["ab"] and row["difference"] is not None:
            said = {
                "value": row["difference"],
                "ci_low": row["difference_low"],
                "ci_high": row["difference_high"],
                "verdict": row["verdict"],
            }
            effect = truth["ab"][row["metric"]] * (1 if row["variant"] == "B" else -1)
            kind = "points" if row["metric"] == "converted" else "difference"
            yield _interval("evaluate ab", f"{row['metric']}, difference", said, effect, kind)


def advertised(out: Path, truth: dict[str, Any]) -> Iterator[Line]:
    """Bids against the most that the budget could buy, the forecast and the plan against what is true."""
    if not all((out / name).exists() for name in ("bids.csv", "customers.parquet", "plan.csv")):
        return
    truth = json.loads((out / "raw" / "advertising.json").read_text(encoding="utf-8"))
    bids = {row["bidder"].split("/")[-1]: row for row in pl.read_csv(out / "bids.csv").to_dicts()}
    share, other = (bids[name]["predicted_value_share"] for name in ("bidder", "linear"))
    said = f"{show(share, 'rate')}, linear bids {show(other, 'rate')}"
    yield Line("optimize bids", "clicks bought of the most", said, "100 %", 1 >= share > max(0.95, other))
    customers, wanted = pl.read_parquet(out / "customers.parquet"), truth["customers"]
    for what, name, true in (
        ("customers still active", "p_active", wanted["active"]),
        ("orders in 56 days", "expected_purchases", wanted["orders_after"]),
    ):
        found = customers[name].sum()
        agrees = abs(found / true - 1) < 0.15
        yield Line("optimize forecast", what, show(found, "count"), show(true, "count"), agrees)
    plan = pl.read_csv(out / "plan.csv").to_dicts()
    for row in plan:
        now, planned = (
            28 * float(conversions(row["campaign_id"], np.array(row[name] / 28)))
            for name in ("spend_now", "spend_planned")
        )
        said = {"value": row["gain"], "ci_low": row["gain_low"], "ci_high": row["gain_high"]}
        yield _interval(
            "optimize budget", f"{row['campaign_id']}, conversions", said, planned - now, "difference"
        )


CHECKS: tuple[Callable[[Path, dict[str, Any]], Iterator[Line]], ...] = (
    cleaned, embedded, generated, optimized, streamed, rated, tested, advertised,
)  # fmt: skip


def value_of(decisions: pl.DataFrame, truth: dict[str, Any]) -> float:
    """The true clicks per impression of what was decided for each request."""
    promoted = promoted_of(truth)
    chance = click_probability(requests_of(decisions, truth), promoted)
    action = [promoted.item_id.index(item) for item in decisions["item_id"]]
    return float(chance[np.arange(len(action)), action].mean())


def print_table(lines: list[Line]) -> None:
    """The lines in columns as wide as their texts."""
    rows = [("", "", "it said", "the truth", "")]
    rows += [(*line[:4], "agrees" if line.agrees else "DIFFERS") for line in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    previous = ""
    for step, *cells in rows:
        shown = ["" if step == previous else step, *cells]
        previous = step
        print("  ".join(text.ljust(width) for text, width in zip(shown, widths, strict=True)).rstrip())


def _interval(step: str, what: str, row: dict[str, Any], true_value: float, kind: str) -> Line:
    """Whether an interval holds the truth."""
    said = show_interval(row["value"], row["ci_low"], row["ci_high"], kind)
    verdict = f": {row['verdict']}" if row.get("verdict") else ""
    return Line(
        step, what, said + verdict, show(true_value, kind), row["ci_low"] <= true_value <= row["ci_high"]
    )


def _neighbours(path: Path, group: dict[str, str], what: str, chance: float) -> Line:
    """How many of the five nearest of each row are of its own group."""
    vectors = (
        pl.read_parquet(path)
        .filter(pl.col("id").is_in(list(group)))
        .unique("id", keep="first", maintain_order=True)
    )
    units = _unit(np.vstack(vectors["embedding"].to_list()).astype(np.float64))
    names = np.array([group[name] for name in vectors["id"]])
    likeness = units @ units.T
    np.fill_diagonal(likeness, -np.inf)
    nearest = np.argpartition(-likeness, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    share = float((names[nearest] == names[:, None]).mean())
    return Line("embed", what, show(share, "rate"), f"by chance {show(chance, 'rate')}", share > 2 * chance)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _words(text: str) -> set[str]:
    """The words of four letters or more."""
    return {
        word for word in "".join(c if c.isalnum() else " " for c in text.lower()).split() if len(word) > 3
    }


if __name__ == "__main__":
    main()
