"""The small Open Bandit logs as the standard table of impressions."""

import polars as pl


def open_bandit_log(folder, name):
    """One of `random_all random_men bts_all bts_men`."""
    raw = pl.read_csv(folder / "bandit" / f"obd_{name}.csv.gz", infer_schema=False)
    return raw.rename(
        {"timestamp": "event_time", "position": "placement", "propensity_score": "propensity", "": "column_1"}
    ).with_columns(
        pl.col("event_time").str.to_datetime(time_zone="UTC"),
        pl.col("click").cast(pl.Int8),
        pl.col("propensity").cast(pl.Float64),
    )
