"""What the grammar says agrees in number and article, and states nothing that is not in a slot."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.copy.ad import ANGLES
from adcli.copy.channels import display_width
from adcli.copy.facts import product_facts
from adcli.generate.grammar import grammar_of, lines_of
from adcli.generate.nouns import noun_for, titled, with_article
from adcli.generate.phrases import phrases_of

ENGLISH = grammar_of("english")
KINDS = st.sampled_from(
    ["Mug", "Bath Towel", "Headphones", "Running Socks", "USB Hub", "Espresso Cups", "Tea", "Oil"]
)
COLOURS = st.sampled_from(["Blue", "Off White", "Amber", "Olive"])
MATERIALS = st.sampled_from(["Cotton", "Stainless Steel", "Acrylic", "Oak"])


def said_of(row, columns=90):
    product = product_facts({"item_id": "1", "brand": "Acme", **row})
    noun, phrases = noun_for(product), phrases_of(product)
    lines = list(lines_of(ENGLISH.descriptions, noun, phrases, ENGLISH.predicates, columns=columns))
    return lines + list(lines_of(ENGLISH.headlines, noun, phrases, columns=30))


@given(kind=KINDS, colour=COLOURS, material=MATERIALS, columns=st.integers(20, 125))
def test_verbs_pronouns_and_articles_agree_with_the_noun(kind, colour, material, columns):
    row = {"title": f"Acme {kind}", "color": colour, "material": material, "features": "waterproof, washable"}
    several = kind in ("Headphones", "Running Socks", "Espresso Cups")
    wrong = (
        r"\b(?:It|it|This|this|This one|One) (?:are|have|come)\b"
        if not several
        else r"\b(?:This|this|It|it) "
    )
    lines = said_of(row, columns)
    assert lines
    for line in lines:
        assert not re.search(wrong, line.text), line.text
        assert not re.search(
            r"\b[Aa] [aeioAEIO]|\b[Aa]n [b-df-hj-np-tv-zB-DF-HJ-NP-TV-Z](?![A-Z])", line.text
        ), line.text
        assert not (several and re.search(rf"\ban? (?!look)(?:[\w-]+ )*{kind.lower()}\b", line.text)), (
            line.text
        )
        assert "{" not in line.text
        assert "[" not in line.text
        assert display_width(line.text) <= max(columns, 30)


@given(kind=KINDS, colour=COLOURS, material=MATERIALS)
def test_a_line_names_the_facts_whose_values_it_states_and_no_other(kind, colour, material):
    for line in said_of({"title": f"Acme {kind}", "color": colour, "material": material}):
        values = {fact.value for fact in line.facts}
        for value in (colour.lower(), material.lower()):
            assert (value in line.text.lower()) == (value in values), line


def test_every_angle_has_frames_and_only_known_forms_are_asked_for():
    for frames in (ENGLISH.descriptions, ENGLISH.headlines):
        assert {frame.angle for frame in frames} == set(ANGLES)
    forms = {predicate.form for predicate in ENGLISH.predicates}
    assert all(frame.lead <= forms for frame in ENGLISH.descriptions)


def test_an_angle_is_open_only_where_a_fact_of_its_kind_is_on_record():
    plain = {line.angle for line in said_of({"title": "Acme Mug", "material": "Ceramic"})}
    assert not plain & {"offer", "audience", "occasion", "benefit"}
    prose = "Comes with a 2 year warranty. For children from 6 years. Keeps your tea warm."
    told = said_of({"title": "Acme Mug", "material": "Ceramic", "description": prose})
    assert {"offer", "fact", "audience", "benefit"} <= {line.angle for line in told}


@pytest.mark.parametrize(
    ("row", "form", "said"),
    [
        ({"title": "Acme Quilt", "gender": "Boys"}, "whom", None),
        ({"title": "Acme Dress", "gender": "Girls", "category": "Baby > Dresses"}, "whom", "girls"),
        ({"title": "Acme Brass Statue", "material": "Crystal"}, "material", None),
        ({"title": "Acme Carved Sandalwood Statue", "material": "Wooden"}, "material", "wood"),
        ({"title": "Acme Statue", "material": "Brass", "description": "Made of crystal."}, "material", None),
        ({"title": "Acme Wok", "material": "Aluminium", "description": "Made of steel."}, "material", None),
        ({"title": "Acme Quilt", "attributes": '{"Outer Material": "Cotton"}'}, "material", None),
        ({"title": "Acme Quilt", "attributes": '{"Outer Material": "Cotton", "Inner Material": "Cotton"}'},
         "material", "cotton"),
        ({"title": "Acme Cutter", "attributes": '{"Blade Material": "Steel", "Handle Material": "Plastic"}',
          "description": "It is made of steel."}, "material", None),
        ({"title": "Acme Gold Idol", "material": "Brass", "color": "Gold"}, "colour", None),
        ({"title": "Acme Soap & Scrub", "pack_of": "2"}, "count", None),
        ({"title": "Acme Bowl", "description": "Safe in dishwasher, microwave and oven."}, "safe",
         "dishwasher, microwave and oven"),
        ({"title": "Acme bag", "description": "A bag with a YKK zip that opens wide, for all the small things of a day."},
         "with", "a YKK zip"),
        ({"title": "Acme Jug", "capacity": "2000 L"}, "holds", None),
        ({"title": "Acme shampoo", "description": "Shampoo without dyes, silicone or plastic."}, "without", "dyes or silicone"),
        ({"title": "Acme soap", "description": "Liquid soap, 500 ml in a glass bottle."}, "packed", "a glass bottle"),
    ],
)  # fmt: skip
def test_a_phrase_says_what_is_sure_of_this_kind_of_thing(row, form, said):
    phrases = phrases_of(product_facts({"item_id": "1", **row}))
    assert (phrases[form][0].text if form in phrases else None) == said


@pytest.mark.parametrize(
    ("phrase", "said"),
    [("oak handle", "an oak handle"), ("USB hub", "a USB hub"), ("LED bulb", "an LED bulb"),
     ("HEPA filter", "a HEPA filter"), ("8 m hose", "an 8 m hose"), ("unisex watch", "a unisex watch"),
     ("tea", "tea"), ("taped seams", "taped seams"), ("glass", "a glass"), ("IPX4 rating", "an IPX4 rating")],
)  # fmt: skip
def test_articles_go_by_sound_and_number(phrase, said):
    assert with_article(phrase) == said


def test_headlines_are_in_title_case():
    assert titled("non-stick pan for the oven with a 5 l lid") == "Non-Stick Pan for the Oven With a 5 l Lid"


@pytest.mark.parametrize(
    "row",
    [
        {"title": "Acme Tripod Walking Stick", "material": "Iron"},
        {"title": "Acme Soap And Lemon Scrub Combo", "category": "Combos and Kits", "color": "Blue"},
    ],
)
def test_a_thing_has_no_noun_where_the_one_found_may_be_anothers(row):
    noun = noun_for(product_facts({"item_id": "1", **row}))
    assert not noun.kind
    assert not noun.name
