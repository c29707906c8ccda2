"""CoNLL-U with role columns, as Universal PropBank writes it: documents of sentences.

After the ten columns of Universal Dependencies comes one that names each predicate's sense, and then one for
each predicate, in order, with the role of each argument's head word; or, where `# global.columns` says so,
`UP:ARGHEADS`, which has all arguments of a predicate in its own row: `ARG0:1|ARG1:5`.

Source: Akbik et al., "Generating High Quality Proposition Banks for Multilingual Semantic Role Labeling"
(2015); Jindal et al., "Universal Proposition Bank 2.0" (2022), for the second form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from adcli.core.roles.frames import Frame, Sentence
from adcli.errors import DataError, printable

COLUMNS = 10  # of Universal Dependencies
SENSE = COLUMNS  # the column of predicates
NONE = {"", "_"}
OF_PREDICATE = "V"
ARGUMENTS = "UP:ARGHEADS"


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
    is_listed = False
    for number, line in enumerate([*lines, ""], start=1):
        if line.startswith("# newdoc") and documents[-1]:
            documents.append([])
        elif not line.strip():
            if rows:
                where = f"{name}, the sentence before line {number}"
                documents[-1].append(_sentence(rows, where, is_listed=is_listed))
            rows = []
        elif line.startswith("# global.columns"):
            is_listed = line.partition("=")[2].split()[SENSE + 1 : SENSE + 2] == [ARGUMENTS]
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


def _sentence(rows: list[list[str]], where: str, *, is_listed: bool) -> Sentence:
    """The sentence of some lines, of which all arguments of a predicate stand in its row if `is_listed`."""
    place = {row[0]: number for number, row in enumerate(rows)}
    if list(place) != [str(number) for number in range(1, len(rows) + 1)]:
        raise DataError(
            f"{where}: its words are not numbered 1, 2, 3 and so on.",
            fix="Leave a line empty after each sentence.",
        )
    predicates = [number for number, row in enumerate(rows) if len(row) > SENSE and row[SENSE] not in NONE]
    frames = []
    for column, predicate in enumerate(predicates, start=SENSE + 1):
        cells = [row[column] if len(row) > column else "_" for row in rows]
        if is_listed:
            cells = _listed(rows[predicate], place, where)
        roles = tuple((word, cell) for word, cell in enumerate(cells) if cell not in NONE | {OF_PREDICATE})
        if wrong := next((role for _, role in roles if ":" in role), None):
            raise DataError(
                f"{where}: '{printable(wrong)}' is no role.",
                fix=f"If it lists arguments, let a line '# global.columns = …' name the column {ARGUMENTS}.",
            )
        frames.append(Frame(predicate, roles))
    if any(row[6] not in place and row[6] not in {"0", "_"} for row in rows):
        raise DataError(f"{where}: a word's head is no word of the sentence.")
    heads = tuple(place.get(row[6], number) for number, row in enumerate(rows))
    words, tags, relations = (tuple(row[column] for row in rows) for column in (1, 3, 7))
    return Sentence(words, tuple(frames), heads, tuple(name.split(":")[0] for name in relations), tags)


def _listed(row: list[str], place: Mapping[str, int], where: str) -> list[str]:
    """Of each word of the sentence the role that a predicate's row lists for it, '_' for none."""
    cells = ["_"] * len(place)
    listed = row[SENSE + 1] if len(row) > SENSE + 1 else "_"
    for argument in [] if listed in NONE else listed.split("|"):
        role, _, word = argument.rpartition(":")
        if word not in place:
            raise DataError(f"{where}: the argument '{printable(argument)}' is no word of the sentence.")
        cells[place[word]] = role
    return cells
