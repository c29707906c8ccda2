"""Simulate a small online shop whose truth is known, and write its raw logs, with their dirt.

    python simulator.py --out out/raw --seed 7 --size small

Writes products.csv, reviews.ndjson, events.csv.gz, impressions.csv.gz (four weeks, to learn from),
impressions_later.csv.gz (the two weeks after, to value a policy on), ab.csv, and truth.json, which no method
sees.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from ad_server import COLUMNS, Shoppers, draw_arrivals, draw_shoppers, promote, serve
from browsing import as_log, browse, crawl, reviews
from catalogue import CATEGORIES, Product, products
from dirt import RawLog, soil, write_log
from world import SEGMENTS, Promoted, policy_values

START = dt.datetime(2024, 3, 4, tzinfo=dt.UTC)  # a Monday
DAYS, DAYS_AFTER = 28, 14
SIZES = {"small": 1, "large": 10}
BOTS = ["crawler-1", "crawler-2"]
CONVERSION_CONTROL, CONVERSION_LIFT, ORDER_VALUE = 0.10, 0.16, 46.0  # of the A/B test
EVENT_DIRT = {
    "cut_line": 0.004,
    "extra_field": 0.003,
    "bad_time": 0.005,
    "missing_user": 0.006,
    "duplicate": 0.012,
}
AD_DIRT = {
    "cut_line": 0.002,
    "bad_time": 0.002,
    "bad_propensity": 0.003,
    "bad_click": 0.001,
    "duplicate": 0.01,
}


def main() -> None:
    """Write one shop."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--size", choices=SIZES, default="small", help="large: ten times as much")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    truth = simulate(options.out, options.seed, SIZES[options.size])
    text = json.dumps(truth, indent=1, ensure_ascii=False) + "\n"
    (options.out / "truth.json").write_text(text, encoding="utf-8")


def simulate(out: Path, seed: int, times: int) -> dict[str, Any]:
    """Write the raw files of a shop and return its truth."""
    # A stream of chance for each part, so that a change to one leaves the others as they were.
    for_shop, for_users, for_ads, first, second, for_events, for_reviews, for_ab = np.random.default_rng(
        seed
    ).spawn(8)
    shop = products(for_shop)
    shoppers = draw_shoppers(400 * times, for_users)
    promoted = promote(shop, for_ads)
    after = START + dt.timedelta(days=DAYS)
    ads = {
        "impressions": (START, DAYS, 20_000 * times, first),
        "impressions_later": (after, DAYS_AFTER, 10_000 * times, second),
    }
    logs = {
        name: write_impressions(out / f"{name}.csv.gz", shop, shoppers, promoted, *when)
        for name, when in ads.items()
    }
    write_products(out / "products.csv", shop)
    return {
        "seed": seed,
        "rows": {
            **{name: log["rows"] for name, log in logs.items()},
            "events": write_events(out / "events.csv.gz", shop, shoppers, for_events),
            "products": {"lines": len(shop), "good": len(shop), "bad": {}},
            "reviews": write_reviews(
                out / "reviews.ndjson", shop, shoppers.user_id, 600 * times, for_reviews
            ),
        },
        "ctr": {name: log["ctr"] for name, log in logs.items()},
        "policy_value": {name: log["policy_value"] for name, log in logs.items()},
        "ab": write_ab(out / "ab.csv", 15_000 * times, for_ab),
        "bots": BOTS,
        "promoted": describe_promoted(promoted),
        "users": describe_users(shoppers),
    }


def write_impressions(
    path: Path,
    shop: list[Product],
    shoppers: Shoppers,
    promoted: Promoted,
    start: dt.datetime,
    days: int,
    count: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Write one log of the ad server; returns its counts, click rates and policies' values."""
    arrivals = draw_arrivals(shoppers, start, days, count, rng)
    served = serve(arrivals, shop, promoted, rng)
    log = soil(served.drop("true_ctr"), AD_DIRT, rng, delimiter=",", columns=COLUMNS)
    write_log(log, path, encoding="utf-8-sig", line_end="\r\n")
    key = ["timestamp", "customer_id"]
    good = served.join(log.good.select(key), on=key, how="semi")
    # The last digits of a sum depend on how it was split among cores.
    by_placement = good.group_by("slot").agg(pl.col("true_ctr").mean().round(9)).sort("slot")
    return {
        "rows": counts(log),
        "ctr": {"all": round(float(good["true_ctr"].to_numpy().mean()), 9), **dict(by_placement.iter_rows())},
        "policy_value": policy_values(arrivals.request, promoted),
    }


def write_events(
    path: Path, shop: list[Product], shoppers: Shoppers, rng: np.random.Generator
) -> dict[str, Any]:
    """Write the log of what people and bots did in the shop; returns its counts."""
    done = browse(shoppers.user_id, shoppers.segment, shop, START, DAYS, rng)
    seen = as_log(done + crawl(BOTS, shop, START, rng))
    columns = {"event_time": "Timestamp", "user_id": "VisitorID"}
    log = soil(seen, EVENT_DIRT, rng, delimiter=";", columns=columns)
    write_log(log, path, encoding="utf-16")
    return counts(log)


def write_products(path: Path, shop: list[Product]) -> None:
    """Write the catalogue as a CSV file in the names of a shop system."""
    pl.DataFrame(
        {
            "SKU": [product.item_id for product in shop],
            "Product Name": [product.title for product in shop],
            "Description": [product.description for product in shop],
            "Brand": [product.brand for product in shop],
            "Category": [product.category for product in shop],
            "Price": [f"{product.price:.2f}" for product in shop],
        }
    ).write_csv(path)


def write_reviews(
    path: Path, shop: list[Product], users: list[str], count: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Write the reviews as JSON lines, a few cut short, a few without text; returns the counts."""
    lines = reviews(shop, users, count, START, rng)
    damaged = rng.permutation(count)[: max(7, count // 100)]
    cut, empty = damaged[:3], damaged[3:]
    for row in cut:
        lines[row] = lines[row][: len(lines[row]) // 2]
    for row in empty:
        lines[row] = json.dumps({**json.loads(lines[row]), "body": None}, ensure_ascii=False)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    bad = {"cut_line": len(cut), "missing_text": len(empty)}
    return {"lines": count, "good": count - len(damaged), "bad": bad}


def write_ab(path: Path, count: int, rng: np.random.Generator) -> dict[str, float]:
    """Write an A/B test of a new checkout on 2 x count users; returns the true effects.

    What a user spent before hints at how keen the user is to buy, so that it can reduce the noise.
    """
    is_b = rng.random(2 * count) < 0.5
    keenness = rng.choice([0.4, 1.0, 1.6], size=2 * count)  # its mean is 1
    rate = CONVERSION_CONTROL * keenness * np.where(is_b, 1 + CONVERSION_LIFT, 1.0)
    converted = rng.random(2 * count) < rate
    revenue = converted * ORDER_VALUE * rng.lognormal(-0.08, 0.4, 2 * count)  # the lognormal's mean is 1
    before = keenness * 30.0 * rng.lognormal(-0.125, 0.5, 2 * count)
    pl.DataFrame(
        {
            "customer_id": [f"{unit:07d}" for unit in rng.choice(9_000_000, size=2 * count, replace=False)],
            "group": np.where(is_b, "B", "A").tolist(),
            "spend_before": np.round(before, 2),
            "converted": converted.astype(np.int8),
            "revenue": np.round(revenue, 2),
        }
    ).write_csv(path)
    lift = CONVERSION_CONTROL * CONVERSION_LIFT
    return {"converted": lift, "revenue": lift * ORDER_VALUE, "relative": CONVERSION_LIFT}


def counts(log: RawLog) -> dict[str, Any]:
    """Lines below the header, how many rows are good, and how many bad of each sort."""
    return {"lines": len(log.lines), "good": log.good.height, "bad": log.bad}


def describe_promoted(promoted: Promoted) -> list[dict[str, Any]]:
    """The promoted products as plain values."""
    return [
        {
            "item_id": item,
            "category": CATEGORIES[category],
            "is_cheap": bool(is_cheap),
            "appeal": float(appeal),
        }
        for item, category, is_cheap, appeal in zip(*promoted, strict=True)
    ]


def describe_users(shoppers: Shoppers) -> dict[str, dict[str, Any]]:
    """The taste and the clickiness of each user as plain values."""
    known = zip(shoppers.user_id, shoppers.segment, shoppers.effect, strict=True)
    return {user: {"segment": SEGMENTS[segment], "effect": float(effect)} for user, segment, effect in known}


if __name__ == "__main__":
    main()
