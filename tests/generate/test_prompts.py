"""A model is told the facts, and its sentence is begun for it."""

import pytest

from adcli.copy.channels import CHANNELS
from adcli.copy.facts import product_facts
from adcli.generate.jobs import draft_in
from adcli.generate.prompts import Prompt, article, leads, prompts_for

MUG = product_facts(
    {
        "item_id": "1",
        "title": "Zenith Ceramic Mug",
        "category": "Kitchen > Mugs",
        "material": "Ceramic",
        "capacity": "330 ml",
    }
)


def test_a_sentence_begins_with_the_product_and_its_facts():
    assert leads(MUG)[0] == "A 330 ml ceramic mug that makes"
    assert all("mug" in lead for lead in leads(MUG))


def test_a_chat_ends_in_the_beginning_of_the_answer():
    messages = prompts_for(MUG)[0].messages()
    assert messages[0]["role"] == "system"
    assert messages[-1] == {"role": "assistant", "content": "A 330 ml ceramic mug that makes"}
    assert "ceramic" in messages[-2]["content"]
    assert [message["role"] for message in messages[1:]] == ["user", "assistant"] * 4


def test_a_plain_model_gets_the_same_as_text():
    text = prompts_for(MUG)[0].text()
    assert text.endswith("Ad: A 330 ml ceramic mug that makes")
    assert text.count("Product: ") == 4


def test_a_segment_is_named():
    assert "Shoppers: tea · slow mornings" in prompts_for(MUG, shoppers="tea · slow mornings")[0].text()
    assert "Shoppers" not in prompts_for(MUG)[0].text()


def test_examples_are_of_the_products_own_scene():
    assert prompts_for(MUG)[0].examples[-1].scene == "kitchen"


def test_an_ornament_that_shows_a_baby_is_not_for_one():
    elephants = {
        "item_id": "1",
        "title": "Mother & Baby Elephant Showpiece",
        "category": "Home Decor > Showpieces",
    }
    dress = {"item_id": "2", "title": "Baby Printed Dress", "category": "Clothing > Dresses"}
    ornament, worn = (" ".join(leads(product_facts(each))) for each in (elephants, dress))
    assert "lets your" in worn
    assert "lets your" not in ornament


def test_a_chinese_product_is_asked_for_in_chinese():
    dress = product_facts({"item_id": "1", "title": "复古针织连衣裙", "content": "类型#连衣裙*材质#针织"})
    messages = prompts_for(dress)[0].messages()
    assert messages[-1]["content"] == "这款连衣裙"
    assert "信息：针织" in messages[-2]["content"]


@pytest.mark.parametrize(
    ("lead", "answer", "said"),
    [
        ("A brass lamp that gives", "a warm glow.", "gives a warm glow."),
        ("这款连衣裙", "清新自然。", "清新自然。"),
    ],
)
def test_what_a_draft_says_is_all_but_the_phrase_that_names_the_product(lead, answer, said):
    prompt = Prompt((), "Lamp", "brass", "", lead)
    assert draft_in(answer, prompt, CHANNELS["google-search"]).said == said


def test_articles():
    assert [article(word) for word in ("mug", "orange mug", "USB hub", "SDRAM")] == [
        "A mug", "An orange mug", "A USB hub", "An SDRAM",
    ]  # fmt: skip
    assert article("shorts", plural=True) == "Shorts"


def test_verbs_agree_with_a_plural():
    shorts = product_facts({"item_id": "1", "title": "Vitamins Denim Shorts", "category": "Clothes > Shorts"})
    assert leads(shorts)[0].startswith(("Shorts that feel", "Denim shorts that feel"))
