"""Where a product is used: words such as `hair` and `sofa` belong to scenes, and an ad may use its own.

A product belongs to the scenes that its title and category name.

    >>> sorted(scenes_of("Famous Wheel Pizza Cutter, Kitchen Tools"))
    ['kitchen']
"""

from __future__ import annotations

import tomllib

from adcli.copy.lexicon import DATA
from adcli.copy.wording import stem, words


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in text.split())


def _read() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """The words that name each scene, and the scenes of each word (`data/scenes.toml`)."""
    read = tomllib.loads((DATA / "scenes.toml").read_text("utf-8"))
    named = {scene: _stems(listed) for scene, listed in read["named_by"].items()}
    scenes = {
        stem(word): frozenset(its.split()) for spoken, its in read["words"].items() for word in spoken.split()
    }
    return named, scenes


_NAMED_BY, _SCENES_OF_WORD = _read()


def scenes_of(text: str) -> frozenset[str]:
    """The scenes that `text` (title, category, kind of a product) names; empty if it names none."""
    stems = {stem(word) for word in (*words(text.replace("-", " ")), *text.lower().split())}
    return frozenset(scene for scene, named_by in _NAMED_BY.items() if stems & named_by)


def words_of(scenes: frozenset[str]) -> frozenset[str]:
    """The words (stems) that belong to these scenes: what a thing of theirs may be said to be used with."""
    named = frozenset().union(*(_NAMED_BY.get(scene, frozenset()) for scene in scenes))
    return named | {word for word, its in _SCENES_OF_WORD.items() if its & scenes}
