"""Semantic roles give facts of verbs that no list has, only of what the thing itself does; a plural noun is no verb."""

from adcli.copy.facts import catalogue_facts
from adcli.core.roles.frames import Frame, Sentence
from adcli.core.roles.words import words_of

PRODUCT = {
    "item_id": "1",
    "title": "Bramblebee puzzle, 100 pieces",
    "description": "Cut from recycled board that does not fray. Glows softly at night. Children glue it badly. "
    "Ways to wear it.",
}
READ = {
    "Cut from recycled board that does not fray.": Sentence(
        words_of("Cut from recycled board that does not fray ."),
        (Frame(7, ((4, "ARG1"), (6, "ARGM-NEG"))),),
        (0, 3, 3, 0, 7, 7, 7, 3, 0),
        ("root", "case", "amod", "obl", "nsubj", "aux", "advmod", "acl", "punct"),
        ("VERB", "ADP", "ADJ", "NOUN", "PRON", "AUX", "PART", "VERB", "PUNCT"),
    ),
    "Glows softly at night.": Sentence(
        words_of("Glows softly at night ."),
        (Frame(0, ((1, "ARGM-MNR"), (3, "ARGM-TMP"))),),
        (0, 0, 3, 0, 0),
        ("root", "advmod", "case", "obl", "punct"),
        ("VERB", "ADV", "ADP", "NOUN", "PUNCT"),
    ),
    "Children glue it badly.": Sentence(
        words_of("Children glue it badly ."),
        (Frame(1, ((0, "ARG0"), (2, "ARG1"))),),
        (1, 1, 1, 1, 1),
        ("nsubj", "root", "obj", "advmod", "punct"),
        ("NOUN", "VERB", "PRON", "ADV", "PUNCT"),
    ),
    "Ways to wear it.": Sentence(
        words_of("Ways to wear it ."),
        (Frame(0, ((2, "ARG1"),)),),
        (0, 2, 0, 2, 0),
        ("root", "mark", "acl", "obj", "punct"),
        ("NOUN", "PART", "VERB", "PRON", "PUNCT"),
    ),
}


def test_what_the_thing_does_is_a_fact_and_what_others_do_with_it_is_none():
    def label(texts):
        return [READ[text] for text in texts]

    plain, read = (catalogue_facts([PRODUCT], label=its).products[0] for its in (None, label))
    more = set(read.facts) - set(plain.facts)
    assert {(fact.slot, fact.value) for fact in more} == {
        ("function", "does not fray"),
        ("function", "Glows softly at night"),
    }
    assert all(fact.source == "description" and fact.span == fact.value for fact in more)
