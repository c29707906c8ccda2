"""What ad platforms and shops export goes through `clean` and `evaluate rates`, and the figures are exact.

The files of `tests/exports` were made by hand in the form of each exporter: its columns, title lines, totals and
ways of writing that there is no value. Where the names of the columns come from stands beside each.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import NamedTuple

import pytest

EXPORTS = Path(__file__).resolve().parents[1] / "exports"


class Report(NamedTuple):
    """A report, where its columns are documented, how it is read, and what it counts.

    Attributes:
        counts: Impressions, clicks, cost, conversions and revenue of its rows.
        totals: How many of its lines restate others, or are none.
        encoding: What it is written in.
        is_tabbed: Whether commas become tabs, as in an "Excel .csv".
    """

    file: str
    source: str
    counts: tuple[float, float, float, float, float]
    totals: int
    options: tuple[str, ...] = ()
    encoding: str = "utf-8"
    is_tabbed: bool = False


GOOGLE_COUNTS = (16000, 1530, 1610.4, 36.5, 5610.2)
REPORTS = {
    "Google Ads": Report(
        "google_ads.csv", "support.google.com/google-ads: Download your data", GOOGLE_COUNTS, 3
    ),
    "Google Ads, Excel .csv": Report(
        "google_ads.csv", "the same: UTF-16 with tabs", GOOGLE_COUNTS, 3, encoding="utf-16", is_tabbed=True
    ),
    "Google Ads, keywords": Report(
        "google_ads_keywords.csv",
        "support.google.com/google-ads: Keyword report, `Total:` in the third column",
        (1665464, 137683, 247783.9, 6293.18, 859684.16),
        3,
    ),
    "Google Ads, German": Report(
        "google_ads_de.csv", "the same, language of the user", (13000, 1264, 1460.4, 33.5, 5110.2), 2
    ),
    "Google Ads API": Report(
        "google_ads_api.csv",
        "developers.google.com/google-ads/api/fields: metrics, segments",
        (2000, 33, 6.251001, 2, 70),
        0,
    ),
    "Microsoft Advertising": Report(
        "microsoft.csv",
        "learn.microsoft.com/advertising/guides/reports: CampaignPerformanceReportColumn",
        (2000, 51, 70.4, 3, 158),
        1,
        encoding="utf-8-sig",
    ),
    "Meta": Report(
        "meta.csv",
        "facebook.com/business/help: Ads Manager metrics, breakdowns",
        (22000, 410, 219, 13, 890),
        2,
    ),
    "TikTok": Report("tiktok.csv", "ads.tiktok.com/help: All Metrics", (13000, 90, 20, 1, 40), 1),
    "Amazon Ads": Report(
        "amazon_ads.csv", "advertising.amazon.com/help: Search term report", (2000, 15, 21, 2, 1098), 0
    ),
    "Criteo": Report(
        "criteo.csv", "developers.criteo.com: Metrics and dimensions", (70000, 360, 150.5, 6, 512.25), 0
    ),
    "Yandex Direct": Report(
        "yandex_direct.csv", "yandex.ru/support/direct: Мастер отчетов", (13500, 45, 1750.75, 3, 10500.5), 1
    ),
    "Yandex Direct API": Report(
        "yandex_direct_api.tsv",
        "yandex.com/dev/direct/doc/reports: Report fields, in millionths",
        (1500, 24, 599.5, 2, 9000),
        1,
        options=("--map", "cost_micros=Cost"),
    ),
}


def written(report: Report, folder: Path) -> str:
    text = (EXPORTS / report.file).read_text(encoding="utf-8")
    if report.is_tabbed:
        text = "\r\n".join("\t".join(row) for row in csv.reader(io.StringIO(text)))
    (folder / report.file).write_bytes(text.encode(report.encoding))
    return report.file


@pytest.mark.parametrize("exporter", REPORTS)
def test_a_report_is_cleaned_and_its_rates_are_those_of_its_counts(adcli, tmp_path, exporter):
    report = REPORTS[exporter]
    file = written(report, tmp_path)
    cleaned = adcli("clean", file, *report.options, "-o", "clean.parquet")
    assert cleaned.returncode == 0, cleaned.said
    assert f"{report.totals} rejected" in cleaned.said
    impressions, clicks, cost, conversions, revenue = report.counts
    sums = {
        "ctr": (clicks, impressions), "cvr": (conversions, clicks), "cpc": (cost, clicks),
        "cpa": (cost, conversions), "cpm": (cost, impressions), "roas": (revenue, cost),
    }  # fmt: skip
    for input_, options in ((file, report.options), ("clean.parquet", ())):
        done = adcli("evaluate", "rates", input_, *options, "--to", "csv")
        assert done.returncode == 0, done.said
        rows = {row["metric"]: row for row in csv.DictReader(io.StringIO(done.text))}
        for metric, (numerator, denominator) in sums.items():
            row = rows[metric]
            assert (float(row["numerator"]), float(row["denominator"])) == (numerator, denominator), metric
            thousand = 1000 if metric == "cpm" else 1
            assert float(row["value"]) == pytest.approx(thousand * numerator / denominator, rel=1e-12)
