"""Roles are read from CoNLL-U, learned, kept in a directory, and read off sentences that were held out."""

import models
import pytest
import torch  # noqa: TID253

from adcli.core.models.loading import load_tokenizer
from adcli.core.roles.conllu import read_conllu
from adcli.core.roles.frames import Frame
from adcli.core.roles.labeller import RoleLabeller, likeliest
from adcli.core.roles.training import tune_roles
from adcli.core.roles.words import read_words, words_of
from adcli.core.training.settings import TrainingSettings
from adcli.errors import DataError
from adcli.optimize.roles import score_predicates, score_roles, split_by_document

THINGS = ("jacket", "mug", "bottle", "bag", "lantern", "boots")
WHAT = ("women", "men", "tea", "water", "garden", "kitchen")


def sentence(thing, verb, what, *, newdoc=False):
    """`the THING VERB the WHAT`: the thing is ARG0, what is ARG1."""
    rows = [
        ("the", 2, "det", "_", "_"),
        (thing, 3, "nsubj", "_", "ARG0"),
        (verb, 0, "root", f"{verb}.01", "V"),
    ]
    rows += [("the", 5, "det", "_", "_"), (what, 3, "obj", "_", "ARG1")]
    lines = [
        "\t".join([str(n), word, word, *"___", str(head), relation, "_", "_", sense, role])
        for n, (word, head, relation, sense, role) in enumerate(rows, start=1)
    ]
    return [*(["# newdoc"] if newdoc else []), *lines, ""]


def shop_conllu():
    every = [(thing, verb, what) for thing in THINGS for verb in ("keeps", "fits", "runs") for what in WHAT]
    return [line for n, one in enumerate(every) for line in sentence(*one, newdoc=n % 6 == 0)]


def test_conllu_is_read_with_frames_and_syntax():
    lines = [
        *sentence("mug", "keeps", "tea"),
        "1-2\tdon't\t" + "\t".join("_" * 8),
        *sentence("bag", "fits", "men"),
    ]
    (document,) = read_conllu(lines, "a file")
    first, second = document
    assert first.words == ("the", "mug", "keeps", "the", "tea")
    assert first.frames == (Frame(2, ((1, "ARG0"), (4, "ARG1"))),)
    assert first.heads == (1, 2, 2, 4, 2)
    assert first.phrase(4) == (3, 5)
    assert second.words[1] == "bag"


def listed(arguments):
    """The sentence of a mug with the arguments of its verb in the verb's row, as Universal PropBank 2 has them."""
    rows = [line.split("\t")[:-2] for line in sentence("mug", "keeps", "tea") if line]
    for row in rows:
        row += ["keeps.01", arguments, "_"] if row[1] == "keeps" else ["_", "_", "_"]
    named = "ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC UP:PRED UP:ARGHEADS UP:ARGSPANS"
    return [f"# global.columns = {named}", *map("\t".join, rows), ""]


def test_arguments_that_a_predicate_lists_are_read_as_those_in_columns_of_their_own():
    assert read_conllu(listed("ARG0:2|ARG1:5"), "a file") == read_conllu(
        sentence("mug", "keeps", "tea"), "a file"
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["1\tword\tword"], "line 1: 3 columns"),
        (["\t".join(["1", "word", *"______", "_", "_"]), ""], "no semantic roles"),
        (sentence("mug", "keeps", "tea")[:2], "head is no word"),
        (sentence("mug", "keeps", "tea")[:-1] * 2, "not numbered 1, 2, 3"),
        (listed("ARG0:2|ARG1:9"), "'ARG1:9' is no word of the sentence"),
        (listed("ARG0:2|ARG1:5")[1:], "'ARG0:2|ARG1:5' is no role"),
    ],
)
def test_what_is_no_conllu_with_roles_is_said(lines, said):
    with pytest.raises(DataError, match=said):
        read_conllu(lines, "a file")


def test_words_are_cut_as_universal_dependencies_cuts_them():
    assert words_of("It doesn't drip: 1.5 l, Anna's.") == (
        "It", "does", "n't", "drip", ":", "1.5", "l", ",", "Anna", "'s", ".",
    )  # fmt: skip


def test_a_word_that_the_model_does_not_read_moves_no_other(tmp_path):
    """BERT strips accents that stand alone, and what makes an emoji of a heart."""
    tokenizer = load_tokenizer(models.tiny_bert(tmp_path / "bert"))
    words = ["a", "\u0301", "red", "mug", "\ufe0f"]
    (first,) = read_words(tokenizer, [words], 160).first
    ids = tokenizer(words, is_split_into_words=True)["input_ids"]
    read = tokenizer.convert_ids_to_tokens([ids[place] for place in first])
    assert read[:4] == ["a", "a", "red", "mug"]


def test_roles_that_were_learned_are_read_off_other_documents(tmp_path):
    split = split_by_document(read_conllu(shop_conllu(), "a file"), share=0.2, seed=0)
    tune_roles(
        str(models.tiny_bert(tmp_path / "bert")), split.learned, tmp_path / "roles",
        settings=TrainingSettings(
            steps=60, batch_size=16, learning_rate=3e-3, evaluate_every=0, checkpoint_every=0
        ),
        about={},
    )  # fmt: skip
    labeller = RoleLabeller.load(tmp_path / "roles")
    words = [s.words for s in split.held_out]
    given = labeller.label(words, [[f.predicate for f in s.frames] for s in split.held_out])
    assert score_roles(given, split.held_out)["all"].f1 > 0.95
    found = labeller.label(words)
    assert score_predicates(found, split.held_out).f1 > 0.95
    assert labeller.read(["", "the mug keeps the tea"])[1].phrase(4) == (3, 5)


def test_a_role_that_a_predicate_has_once_goes_to_the_surest_word():
    none_time_agent = torch.tensor(
        [[[0.0, 1.0, 2.0], [0.0, -1.0, 5.0], [0.0, 3.0, 1.0]], [[0.0, 9.0, 2.0]] * 3]
    )
    once = torch.tensor([False, False, True])
    assert likeliest(none_time_agent, once).tolist() == [[1, 2, 1], [1, 1, 1]]


def test_sentences_whose_predicates_lie_too_far_are_no_batch(tmp_path):
    (document,) = read_conllu(sentence("mug", "keeps", "tea"), "a file")
    far = document[0]._replace(
        words=("red",) * 200, heads=(0,) * 200, relations=("x",) * 200, tags=("_",) * 200,
        frames=(Frame(190, ((191, "ARG1"),)),),
    )  # fmt: skip
    with pytest.raises(DataError, match="1 sentences have a predicate among their first 160 tokens"):
        tune_roles(
            str(models.tiny_bert(tmp_path / "bert", max_position_embeddings=256)), [document[0], far],
            tmp_path / "roles", settings=TrainingSettings(steps=2, batch_size=2), about={},
        )  # fmt: skip


def test_scores_count_what_is_right_of_what_is_said_and_there():
    (document,) = read_conllu(sentence("mug", "keeps", "tea"), "a file")
    half = [document[0]._replace(frames=(Frame(2, ((1, "ARG0"), (3, "ARG1"))),))]
    scores = score_roles(half, document)
    assert scores["all"] == (0.5, 0.5, 0.5, 2)
    assert scores["ARG0"].f1 == 1
    assert scores["ARG1"].f1 == 0


def test_roles_as_common_as_others_are_in_order_of_their_names():
    (document,) = read_conllu(sentence("mug", "keeps", "tea"), "a file")
    names = [f"ARG{number}" for number in range(9)]
    every = [document[0]._replace(frames=(Frame(2, tuple(zip(range(9), names, strict=True))),))]
    assert list(score_roles(every, every)) == ["all", *names]


def test_one_document_can_not_be_split():
    with pytest.raises(DataError, match="too few"):
        split_by_document(read_conllu(sentence("mug", "keeps", "tea"), "a file"), share=0.2, seed=0)
