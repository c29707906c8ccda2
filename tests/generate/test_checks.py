"""An ad that is wrong in a way that can be read is caught, and by the id of the rule."""

import pytest

from adcli.copy.channels import CHANNELS
from adcli.copy.facts import product_facts
from adcli.generate.checks import findings, flags, names_product
from adcli.generate.drafting import Draft

TOWEL = product_facts(
    {
        "item_id": "1",
        "title": "Acme Cotton Bath Towel Blue",
        "brand": "Acme",
        "category": "Bath Linen > Towels",
        "material": "Cotton",
        "description": "A soft towel with 500 GSM for women.",
    }
)
GOOD = Draft("Acme Cotton Bath Towel", "A blue cotton towel that feels soft after a shower. 500 GSM.")


def broken(description, headline=GOOD.headline, **more):
    return flags(Draft(headline, description), TOWEL, CHANNELS["google-search"], **more)


def test_an_honest_ad_breaks_no_rule():
    assert flags(GOOD, TOWEL, CHANNELS["google-search"]) == []


@pytest.mark.parametrize(
    ("description", "rule"),
    [
        ("", "description.empty"),
        ("A blue towel that is " + "soft and " * 12 + "warm.", "description.long"),
        ("A blue towel of 900 GSM for your bath.", "number.unsupported"),
        ("A silk towel that feels soft after a shower.", "material.unsupported"),
        ("A blue towel that feels soft for two of. Cotton.", "text.broken"),
        ("The best towel for your bath and your shower.", "absolute.best"),
        ("A towel for men that feels soft after a shower.", "audience.unsupported"),
        ("A towel that leaves your sofa feeling clean.", "scene.foreign"),
        ("A towel that feels soft, and soft, after a shower.", "text.repeated"),
        ("Here is an ad: a towel that feels soft to you.", "text.meta"),
        ("A towel that will ruin your whole morning.", "text.negative"),
        ("A towel that feels soft after a shower, like a", "text.broken"),
        ("A towel that is made with TerryTech inside it.", "name.unsupported"),
        ("A towel that goes with blue cotton and a bath.", "text.lists_facts"),
        ("Call 0170 1234567 for this soft bath towel.", "pii.phone"),
        ("A towel that gets 20% off in the summer sale.", "offer.unsupported"),
        ("这款毛巾柔软舒适，适合每天使用。", "text.language"),
    ],
)
def test_each_rule_catches_its_fault(description, rule):
    assert rule in broken(description)


def test_an_ad_must_name_the_product():
    assert "product.unnamed" in broken("It feels soft after a shower, every day.", headline="Soft and Blue")
    assert names_product("A towel for two", TOWEL)
    assert not names_product("A mug for two", TOWEL)


def test_a_headline_for_another_product_is_foreign():
    assert "product.foreign" in broken(
        GOOD.description, headline="Ceramic Mug", nouns=frozenset({"mug", "towel"})
    )
    assert "product.foreign" not in broken(GOOD.description, nouns=frozenset({"mug", "towel"}))


def test_an_example_that_is_only_repeated_is_a_copy():
    shown = ["A cotton towel that feels soft and dry after a long shower."]
    assert "text.prompt_copy" in broken(
        "A blue towel that feels soft and dry after a long shower.", shown=shown
    )
    assert "text.prompt_copy" not in broken(GOOD.description, shown=shown)


def test_findings_name_the_words():
    found = findings(
        Draft("Silk Towel", "The best towel there is, 900 GSM."), TOWEL, CHANNELS["google-search"]
    )
    assert {"silk", "best", "900 GSM"} <= {finding.span for finding in found}
