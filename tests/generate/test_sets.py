"""A set takes a new angle and a new opening with each ad, and shares no sentence with another product's."""

import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from adcli.copy.ad import Ad, Line
from adcli.copy.channels import CHANNELS
from adcli.copy.fact import Fact
from adcli.copy.wording import sentences
from adcli.generate.ads import generate_ads
from adcli.generate.planning import Pool, Rated
from adcli.generate.sets import Said, make_set

EMPTY = Ad("1", None, "", (), ())


def pool(*descriptions):
    heads = tuple(
        Rated(Line(f"{word} mug", "fact", (Fact("part", f"part {word}"),), f"{word} {{kind}}"), 1.0 - i / 100)
        for i, word in enumerate(("Red", "Blue", "Tall", "Wide", "Deep", "Light", "Small", "Round", "Square"))
    )
    return Pool(
        heads, tuple(Rated(Line(text, angle, (), frame), score) for text, angle, frame, score in descriptions)
    )


def made(its, n=3, encode=None, said=None, channel="email"):
    return make_set(EMPTY, its, CHANNELS[channel], n, said or Said(), encode)


def test_no_angle_and_no_opening_comes_twice():
    its = pool(
        ("One.", "fact", "the", 0.9), ("Two.", "fact", "this", 0.8), ("Three.", "use", "the", 0.7), ("Four.", "use", "for", 0.6)
    )  # fmt: skip
    assert [ad.descriptions[0].text for ad in made(its)] == ["One.", "Four."]


def test_of_two_that_mean_the_same_the_other_is_taken():
    its = pool(("A.", "fact", "a", 0.9), ("B.", "use", "b", 0.8), ("C.", "offer", "c", 0.75))
    vectors = {"A.": (1, 0), "B.": (1, 0), "C.": (0, 1)}
    chosen = made(its, n=2, encode=lambda texts: np.array([vectors[text] for text in texts], np.float32))
    assert [ad.descriptions[0].text for ad in chosen] == ["A.", "C."]


def test_a_sentence_of_another_product_is_not_said_again():
    said = Said()
    said.add(EMPTY._replace(item_id="2", descriptions=(Line("It is red.", "fact", (), "it"),)))
    its = pool(("Look. It is red.", "fact", "look", 0.9), ("It is blue.", "use", "it", 0.1))
    assert [ad.descriptions[0].text for ad in made(its, said=said)] == ["It is blue."]


def test_headlines_are_dealt_without_repeats_and_a_set_shrinks_rather_than_repeat():
    its = pool(
        ("One.", "fact", "a", 0.9),
        ("Two.", "use", "b", 0.8),
        ("Three.", "offer", "c", 0.7),
        ("Four.", "benefit", "d", 0.6),
    )
    few = its._replace(headlines=its.headlines[:5])
    ads = made(few, channel="microsoft-search", n=2)
    assert len(ads) == 1
    assert (
        len({line.text for ad in ads for line in ad.headlines}) == sum(len(ad.headlines) for ad in ads) >= 3
    )


@pytest.fixture(scope="module")
def demo():
    shop = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "shop" / "catalogue.py"))
    columns = ("item_id", "title", "description", "brand", "category")
    made = shop["products"](np.random.default_rng(0))[::3]
    return pl.DataFrame([{name: getattr(each, name) for name in columns} for each in made])


def test_the_demo_shops_sets_keep_the_rules(demo):
    ads = generate_ads(demo, n=3, channel="meta-feed")
    assert ads.height >= 2.5 * demo.height
    by_sentence: dict[str, set[str]] = {}
    for _, its in ads.group_by("item_id"):
        assert its["angle"].n_unique() == its.height
        headlines = [text.lower() for texts in its["headlines"] for text in texts]
        assert len(set(headlines)) == len(headlines)
    for ad in ads.iter_rows(named=True):
        for text in ad["descriptions"]:
            assert text[-1] in ".?"
            for sentence in sentences(text):
                by_sentence.setdefault(sentence, set()).add(ad["item_id"])
    assert all(len(items) == 1 for items in by_sentence.values())
    openings = Counter(" ".join(ad.split()[:2]) for ad in ads["description"])
    assert openings.most_common(1)[0][1] <= ads.height / 4


def test_an_ad_has_more_headlines_than_it_must_only_where_they_say_more():
    frames = {"Red mug": "{a} {kind}", "Mug in red": "{kind} in", "Tall mug": "{a} {kind}", "Order a mug": "order {a}",
              "Shop for a mug": "shop {a}", "See the mug": "see {the}", "Holds a pint": "holds", "For tea": "for",
              "Made of clay": "made of", "Vegan": "v"}  # fmt: skip
    lines = [
        Line(text, "imperative" if text[0] in "OS" else "fact", (), frame) for text, frame in frames.items()
    ]
    its = pool(("One.", "fact", "the", 0.9), ("Two.", "use", "for", 0.8))
    [ad] = made(
        its._replace(headlines=tuple(Rated(line, 0.5) for line in lines)), n=1, channel="google-search"
    )
    texts = {line.text for line in ad.headlines}
    assert len(texts & {"Red mug", "Mug in red"}) == 1  # which say the same
    assert len(texts & {"Order a mug", "Shop for a mug", "See the mug"}) == 2
    assert "Vegan" not in texts  # which says nothing alone
    assert "mug" in ad.headlines[0].text.lower()
    assert len(texts) >= 6


def test_further_descriptions_say_what_the_first_do_not():
    facts = [(Fact("part", str(number)),) for number in (1, 2, 1, 3)]
    lines = [Line(f"Says {place}.", angle, facts[place], str(place)) for place, angle in enumerate(
        ("fact", "use", "offer", "benefit"))]  # fmt: skip
    its = pool()._replace(descriptions=tuple(Rated(line, 1 - place / 10) for place, line in enumerate(lines)))
    [ad] = made(its, n=1, channel="google-search")
    assert [line.text for line in ad.descriptions] == ["Says 0.", "Says 1.", "Says 3."]


def test_the_ads_of_another_segment_begin_elsewhere_and_near_to_its_words():
    its = pool(("One.", "fact", "a", 0.9), ("Two.", "use", "b", 0.8), ("Three.", "offer", "c", 0.75))
    vectors = {"One.": (1, 0), "Two.": (1, 0), "Three.": (0, 1), "gifts": (0, 1)}

    def encode(texts):
        return np.array([vectors[text] for text in texts], np.float32)

    said = Said()
    [first] = make_set(EMPTY, its, CHANNELS["email"], 1, said, None)
    [second] = make_set(EMPTY, its, CHANNELS["email"], 1, said, None)
    [gifts] = make_set(EMPTY, its, CHANNELS["email"], 1, Said(), encode, "gifts")
    assert [ad.descriptions[0].text for ad in (first, second, gifts)] == ["One.", "Two.", "Three."]
    assert first.headlines != second.headlines


def test_ads_do_not_depend_on_how_many_are_made_together(products, parrot):
    """The same table, a language model's lines included."""
    whole, each = (
        generate_ads(products, parrot("keeps its warmth."), n=3, channel="plain", seed=3, batch=batch)
        for batch in (16, 1)
    )
    assert whole.equals(each)
