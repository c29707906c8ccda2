"""CoNLL-U with role columns, as Universal PropBank writes it: documents of sentences.

After the ten columns of Universal Dependencies comes one that names each predicate's sense, and then one for
each predicate, in order, with the role of each argument's head word.

Source: Akbik et al., "Generating High Quality Proposition Banks for Multilingual Semantic Role Labeling"
(2015).
"""

from __future__ import annotations

from collections.abc import Iterable

from adcli.core.roles.frames import Frame, Sentence
from adcli.errors import DataError

COLUMNS = 10  # of Universal Dependencies
SENSE = COLUMNS  # the column of predicates
NONE = {"", "_"}
OF_PREDICATE = "V"


def read_conllu(lines: Iterable[str], name: str) -> list[list[Sentence]]:
    """The sentences of each document; where none are marked, all are of one.

    Args:
        lines: Of the file.
        name: The file's, for errors.

    Raises:
        DataError: If a line is none of CoNLL-U, or no sentence has roles.
    """
    documents: list[list[Sentence]] = [[]]
    rows: list[list[str]] = []
    for number, line in enumerate([*lines, ""], start=1):
        if line.startswith("# newdoc") and documents[-1]:
            documents.append([])
        elif not line.strip():
            if rows:
                documents[-1].append(_sentence(rows, f"{name}, the sentence before line {number}"))
            rows = []
        elif not line.startswith("#"):
            row = line.rstrip("\n").split("\t")
            if len(row) < COLUMNS:
                raise DataError(
                    f"{name}, line {number}: {len(row)} columns, where CoNLL-U has {COLUMNS} or more.",
                    fix="Give CoNLL-U with role columns, such as a file of Universal PropBank.",
                )
            if row[0].isdigit():  # ranges and empty nodes repeat words that have lines of their own
                rows.append(row)
    if not any(frame.roles for its in documents for sentence in its for frame in sentence.frames):
        raise DataError(
            f"{name} has no semantic roles: no predicate in column {SENSE + 1} with arguments after it.",
            fix="Give CoNLL-U with role columns, such as a file of Universal PropBank.",
        )
    return documents


def _sentence(rows: list[list[str]], where: str) -> Sentence:
    place = {row[0]: number for number, row in enumerate(rows)}
    predicates = [number for number, row in enumerate(rows) if len(row) > SENSE and row[SENSE] not in NONE]
    frames = []
    for column, predicate in enumerate(predicates, start=SENSE + 1):
        cells = [row[column] if len(row) > column else "_" for row in rows]
        roles = tuple((word, cell) for word, cell in enumerate(cells) if cell not in NONE | {OF_PREDICATE})
        frames.append(Frame(predicate, roles))
    if any(row[6] not in place and row[6] not in {"0", "_"} for row in rows):
        raise DataError(f"{where}: a word's head is no word of the sentence.")
    heads = tuple(place.get(row[6], number) for number, row in enumerate(rows))
    words, tags, relations = (tuple(row[column] for row in rows) for column in (1, 3, 7))
    return Sentence(words, tuple(frames), heads, tuple(name.split(":")[0] for name in relations), tags)
