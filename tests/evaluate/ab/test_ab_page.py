"""The page of an A/B test: what stands first, and nothing of a test whose split is broken."""

import numpy as np
import polars as pl
import pytest
from ab_world import ab_of

from adcli.evaluate.ab.page import ab_page, plan_page, segments_page
from adcli.evaluate.ab.plan import plan_table
from adcli.evaluate.ab.segments import segment_table


def units(arms, lift=0.0):
    rng = np.random.default_rng(0)
    variant = np.repeat(list(arms), list(arms.values()))
    visit = rng.random(len(variant)) < 0.2 + lift * (variant == "new")
    return pl.DataFrame(
        {
            "variant": variant,
            "spend": rng.gamma(2, 10, len(variant)),
            "visit": visit,
            "tier": rng.choice(["a", "b", "c"], len(variant)),
        }
    )


def test_what_stands_comes_first_in_words():
    table = ab_of(units({"old": 4000, "new": 4000}, lift=0.1), metrics=["spend", "visit"], control="old")
    page = ab_page(table, confidence=0.95)
    assert page.title == "A/B test: new against old"
    assert page.summary.startswith(
        "2 comparisons: 1 better, 1 no difference found. The split is healthy: the arms have the sizes"
    )
    assert [verdict.verdict for verdict in page.verdicts] == ["better", "no difference found"]
    assert page.verdicts[0].sentence.startswith("new raises visit from 2")
    assert "\u00a0pp" in page.html()


def test_of_all_pairs_the_arm_that_beats_every_other_is_named():
    table = ab_of(
        units({"old": 4000, "new": 4000, "other": 4000}, lift=0.1),
        metrics=["visit", "spend"],
        control="old",
        all_pairs=True,
    )
    page = ab_page(table, confidence=0.95)
    assert page.title == "A/B test: old, new and other against each other"
    assert "Best arm for visit: new, better than every other." in page.summary
    assert "Best arm for spend: not known" in page.summary
    assert {line.subject for line in page.lines} <= {"new", "other", "old"}


def test_a_broken_split_is_the_only_verdict():
    table = ab_of(units({"old": 4000, "new": 5000}, lift=0.1), metrics=["spend", "visit"], control="old")
    page = ab_page(table, confidence=0.95)
    assert [verdict.verdict for verdict in page.verdicts] == ["invalid: sample ratio mismatch"]
    assert "5,000 units against 4,000 in old" in page.verdicts[0].sentence
    assert "raises" not in page.html()


def test_segments_that_end_alike_share_a_sentence():
    table = segment_table(
        units({"old": 9000, "new": 9000}, lift=0.1), by="tier", metrics=["visit"], control="old"
    )
    page = segments_page(table, by="tier", confidence=0.95)
    assert len(page.verdicts) == 1
    assert all(f"({tier})" in page.verdicts[0].sentence for tier in "abc")
    assert "\u00a0pp [" in page.verdicts[0].sentence


def test_a_plan_shows_no_empty_columns():
    page = plan_page(plan_table(baseline=0.1, relative_effects=[0.1]))
    assert "assurance" not in page.tables[0].frame.columns
    assert "days" not in page.tables[0].frame.columns
    assert page.summary.endswith("units.")


@pytest.mark.parametrize("arms", [2, 3, 4])
def test_arms_of_a_plan_are_equally_large(arms):
    from adcli.evaluate.ab.power import Design

    row = plan_table(baseline=0.02, relative_effects=[0.05], design=Design(arms=arms)).row(0, named=True)
    assert row["units_variant"] == row["units_control"]
    assert row["units"] == arms * row["units_control"]
