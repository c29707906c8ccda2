"""Texts are chosen by what is known of them, and the choice can be explained."""

import numpy as np
import polars as pl
import pytest

from adcli.copy.checker import Checker
from adcli.copy.facts import product_facts
from adcli.generate.ads import Segment, generate_ads
from adcli.generate.choosing import WEIGHTS, Chooser, Scores, merits

MUG = product_facts({"item_id": "m2", "title": "Zenith Ceramic Mug", "description": "Holds 330 ml."})


def likes(word, rate=0.2, otherwise=0.05):
    """A model by which ads with a word are clicked more, whatever else they say."""
    return lambda texts: np.array([rate if word in text.lower() else otherwise for text in texts])


def test_what_is_not_known_counts_nothing():
    [first, second] = Chooser(Checker()).scores(["A mug of 330 ml.", "A ceramic mug."], MUG)
    assert first == second == Scores(margin=1.0)
    assert merits([first, second]).tolist() == [0, 0]


def test_clicks_count_by_their_ratio_and_what_runs_already_counts_against():
    merit = merits([Scores(1, 0.02), Scores(1, 0.04)])
    assert merit[1] - merit[0] == pytest.approx(WEIGHTS["click"] * np.log(2))
    assert merits([Scores(novelty=0.1), Scores(novelty=0.6)])[1] > 0


def test_each_score_is_of_the_text_and_its_segment(encode):
    said = []
    chooser = Chooser(
        Checker(supports=lambda texts: np.array([0.4 if "slow" in text else 0.9 for text in texts])),
        clicks=lambda texts: said.extend(texts) or likes("slow")(texts),
        fluency=lambda texts: np.array([-float(len(text)) for text in texts]),
        running={"m2": ["A mug for slow days."]},
        encode=encode,
    )
    slow, other = chooser.scores(["A mug for slow days.", "It holds 330 ml of tea."], MUG, "s1")
    assert said == ["A mug for slow days. | s1", "It holds 330 ml of tea. | s1"]
    assert (slow.margin, slow.click, slow.fluency) == (0.4, 0.2, -20)
    assert slow.novelty == pytest.approx(0, abs=1e-5)
    assert other.novelty > 0.3
    assert chooser.scores([], MUG) == []


def test_the_words_that_move_the_click_rate_are_named():
    chooser = Chooser(Checker(), clicks=likes("slow"))
    assert chooser.moved_by("A mug for slow, calm days.") == ["slow +0.150"]
    assert Chooser(Checker()).moved_by("A mug.") == []


def test_ads_that_are_clicked_more_are_written(products):
    def share(word):
        chooser = Chooser(Checker(), clicks=likes(word, rate=0.9, otherwise=0.01))
        ads = generate_ads(products, n=1, channel="plain", chooser=chooser)
        assert ads["score_click"].is_between(0.009, 0.91).all()
        return ads["description"].str.to_lowercase().str.contains(word).mean()

    plain = generate_ads(products, n=1, channel="plain")
    assert share("choose") > plain["description"].str.to_lowercase().str.contains("choose").mean()
    assert set(plain["score_click"]) == {None}


def test_an_explanation_says_where_facts_stand_and_what_moved_clicks(products):
    chooser = Chooser(Checker(), clicks=likes("mug"))
    ads = generate_ads(
        products.filter(pl.col("item_id") == "m2"),
        n=1,
        channel="plain",
        chooser=chooser,
        explain=True,
        segments=[Segment("s1", "tea")],
    )
    told = ads.row(0, named=True)
    assert len(told["fact_sources"]) == len(told["facts"]) > 0
    assert told["fact_sources"][0].rpartition(": ")[2] in ("attribute Material", "description", "title")
    assert all(" +0." in word or " -0." in word for word in told["click_moved_by"])
