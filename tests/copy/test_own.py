"""A brand's own facts and rules are obeyed, and refused where they are not clear."""

import polars as pl
import pytest

from adcli.copy.facts import catalogue_facts
from adcli.copy.own import brand_rules, own_facts, rules_of_document
from adcli.errors import DataError


def test_a_brands_facts_come_first_and_name_their_file():
    own = own_facts(
        pl.DataFrame({"item_id": ["1", ""], "slot": ["material", "warranty"], "value": ["oak", "2 years"]}),
        "own.csv",
    )
    [product] = catalogue_facts([{"item_id": "1", "title": "Acme table"}], own=own).products
    assert [(fact.slot, fact.value) for fact in product.facts if fact.source == "own.csv"] == [
        ("material", "oak"),
        ("warranty", "2 years"),
    ]
    assert "oak" in product.record.stems


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"slot": ["colr"], "value": ["red"]}, "no slot 'colr'. Did you mean 'colour'"),
        ({"slot": ["colour"], "value": ["red"], "valu": ["x"]}, "no field 'valu'. Did you mean 'value'"),
        ({"slot": ["colour"], "value": ["red"], "negated": ["perhaps"]}, "negated is 'perhaps'"),
        ({"slot": ["colour"] * 2, "value": ["red"] * 2, "negated": ["true", "false"]}, "states 'red' of every product and denies it"),
    ],
)  # fmt: skip
def test_facts_that_are_not_clear_are_one_sentence(columns, message):
    with pytest.raises(DataError, match=message):
        own_facts(pl.DataFrame(columns), "own.csv")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"rule": ["must-shout"], "text": ["x"]}, "no rule 'must-shout'. Did you mean"),
        ({"rule": ["must-say"], "text": ["x"], "why": ["y"]}, "no field 'why'"),
        ({"rule": ["must-say", "must-not-say"], "text": ["Made by Acme", "acme"]}, "'acme' is both what an ad must say and must not say"),
        ({"rule": ["may_say", "must not say"], "text": ["best"] * 2, "item_id": ["1", ""]}, "may say and must not say"),
    ],
)  # fmt: skip
def test_rules_that_are_not_clear_are_one_sentence(columns, message):
    with pytest.raises(DataError, match=message):
        brand_rules(pl.DataFrame(columns), "rules.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('must-shout = ["x"]', "no field 'must-shout'. Did you mean"),
        ("must-say = [", "can not be read"),
        ("must-say = 5", "must-say is 5"),
        ("may-say = {cotton = 1}", "may-say is {'cotton': 1}"),
    ],
)
def test_a_document_of_rules_that_is_not_clear_is_one_sentence(tmp_path, content, message):
    (tmp_path / "rules.toml").write_text(content)
    with pytest.raises(DataError, match=message):
        rules_of_document(tmp_path / "rules.toml")
