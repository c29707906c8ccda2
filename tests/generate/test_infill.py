"""A model continues what is begun for it; what is broken, copied or too long is not taken."""

import models
import pytest

from adcli.copy.channels import CHANNELS, display_width, unfit
from adcli.copy.facts import product_facts
from adcli.core.writing.writer import Writer
from adcli.generate.infill import Sampling, drafts

MUG = product_facts(
    {"item_id": "1", "title": "Acme Mug", "brand": "Acme", "description": "To hold hot tea.", "material": "Ceramic"}
)  # fmt: skip


def written(parrot, answer, channel="meta-feed"):
    return [
        line.text for line in drafts([(MUG, "")], parrot(answer), CHANNELS[channel], Sampling(drafts=2))[0]
    ]


def test_the_sentence_that_was_begun_is_ended(parrot):
    assert written(parrot, "can hold hot tea. It is")[0] == "A ceramic mug that can hold hot tea."


@pytest.mark.parametrize(
    "answer",
    [
        "never comes to an",
        "is a mug with ceramic walls.",
        "gives your shelf a quiet shine.",
        "is hot and hot.",
        "can hold hot soup and tea.",
        "",
        "can hold " + "very " * 40 + "hot tea.",
    ],
)
def test_what_is_broken_or_copied_is_left_out(parrot, answer):
    assert written(parrot, answer) == []


def test_all_requests_begin_alike_and_end_in_what_was_begun(parrot):
    model = parrot("x")
    drafts([(MUG, "tea lovers")], model, CHANNELS["meta-feed"], Sampling())
    first, second = model.asked
    assert first[:-2] == second[:-2]
    assert first[-1] == {"role": "assistant", "content": "A ceramic mug that"}
    assert "Shoppers: tea lovers" in first[-2]["content"]


def test_a_small_real_model_is_asked_once_a_lead_and_keeps_to_the_columns(tmp_path):
    models.tiny_llama(tmp_path / "llama", positions=4096)
    writer = Writer.load(str(tmp_path / "llama"), device="cpu", exact=True)
    told = []

    def write(prompts, *, columns, **how):
        answers = writer.write(list(prompts), columns=columns, **how)
        told.extend(zip(columns, answers, strict=True))
        return answers

    lines = drafts([(MUG, "")], write, CHANNELS["email"], Sampling(4, chat=writer.has_chat_template))[0]
    assert [len(answers) for _, answers in told] == [2, 2]
    assert all(display_width(text) <= room for room, answers in told for text in answers)
    assert all(
        line.source == "model" and not unfit(line.text, "descriptions", CHANNELS["email"]) for line in lines
    )
