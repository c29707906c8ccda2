"""A text ends within the columns it is given, and nothing of it is cut."""

import unicodedata

import pytest
import torch  # noqa: TID253
from hypothesis import given
from hypothesis import strategies as st

from adcli.copy.channels import display_width
from adcli.core.writing.closing import ANY_ROOM, Closing, TokenShapes, columns_at_most
from adcli.core.writing.writer import Writer

TOKENS = ["<end>", "A", " mug", " that", " of", " 1", ".", "5", "日本", "é", "!", "\n", "。", " keeps"]
STOP, POINT = 0, TOKENS.index(".")
SHAPES = TokenShapes.of(TOKENS, [STOP])


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_models_texts_keep_to_their_columns_whatever_is_written_beside_them(request, name):
    writer = Writer.load(str(request.getfixturevalue(name)), exact=True)
    prompts, columns = ["a steel bottle", "mug", "tea", "a warm"], [30, 7, 90, 1]
    how = {"n": 3, "max_new_tokens": 12, "rows": [4, 5, 6, 7]}
    together = writer.write(prompts, columns=columns, **how)
    for prompt, room, row, texts in zip(prompts, columns, how["rows"], together, strict=True):
        assert all(display_width(text) <= room for text in texts)
        assert writer.write([prompt], columns=[room], **{**how, "rows": [row]}) == [texts]


@given(text=st.text(max_size=60))
def test_no_platform_counts_more_than_is_reckoned_with(text):
    composed = unicodedata.normalize("NFC", text).replace("\ufffd", "?")
    assert display_width(composed) <= columns_at_most(composed)


def written(columns, draws, length=12):
    """A text by a model that likes what `draws` likes: (length, vocabulary)."""
    closing = Closing(SHAPES, [columns], "cpu")
    said = []
    for place in range(length):
        scores = closing.limit(draws[place : place + 1], last=place == length - 1)
        token = scores.argmax(dim=-1)
        assert torch.isfinite(scores[0, token[0]])
        said.append(int(token))
        if bool(closing.take(token)) or int(token) == STOP:
            break
    return "".join(TOKENS[token] for token in said if token != STOP)


@given(columns=st.integers(0, 40), seed=st.integers(0, 10_000))
def test_every_text_fits_and_ends_with_its_sentence(columns, seed):
    draws = torch.randn(12, len(TOKENS), generator=torch.Generator().manual_seed(seed)) * 5
    text = written(columns, draws)
    assert display_width(text) <= columns
    assert text.endswith((".", "!", "。")) if columns else text == ""


def test_a_decimal_point_ends_no_sentence():
    closing = Closing(SHAPES, [40], "cpu")
    over = [bool(closing.take(torch.tensor([TOKENS.index(token)]))) for token in (" 1", ".", "5", ".", ".")]
    assert over == [False, False, False, False, True]


def test_a_text_of_any_length_is_left_alone():
    closing = Closing(SHAPES, [ANY_ROOM, 40], "cpu")
    scores = torch.zeros(2, len(TOKENS))
    assert torch.equal(closing.limit(scores, last=True)[0], scores[0])
    assert closing.take(torch.tensor([POINT, POINT])).tolist() == [False, True]


def test_a_word_that_must_be_followed_by_another_is_kept_room_for():
    likes_of = torch.zeros(12, len(TOKENS))
    likes_of[:, TOKENS.index(" of")] = 9
    assert written(13, likes_of).count(" of") == 1
