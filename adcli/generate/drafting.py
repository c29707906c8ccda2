"""From what a language model wrote to a draft: the clean-up every small model needs.

>>> clean_text('Here is an ad: "A brass showpiece that shines. It is very', most=60)
'A brass showpiece that shines.'
"""

from __future__ import annotations

import re
from typing import NamedTuple

from adcli.copy.channels import display_width
from adcli.copy.wording import plain_text


class Draft(NamedTuple):
    """One ad before it is checked."""

    headline: str
    description: str


_PREFACE = re.compile(
    r"^\s*(?:sure|certainly|of course|absolutely|okay|great)?[,!.]?\s*"
    r"(?:here(?:'s| is| are)\b[^:\n]{0,80}:|i(?:'d| would) be happy[^:\n]{0,80}:)\s*",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^(?:ad|headline|title|subject(?: line)?|description|post|copy|text|tagline|slogan|body)\s*\d*\s*"
    r"[:：-]\s*",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"^\W*(?P<label>headline|title|subject(?: line)?|description|post|body|preview(?: line)?)\W*[:：]\s*"
    r"(?P<text>.+)$",
    re.IGNORECASE | re.MULTILINE,
)
_BULLET = re.compile(r"^\s*(?:[-*•>#]+|\(?\d{1,2}[.)])\s+")
_QUOTES = "\"'“”‘’«»「」『』`*_ "
_SENTENCE = re.compile(r"[^.!?。！？…]*(?:(?<=\d)\.(?=\d)[^.!?。！？…]*)*[.!?。！？…]+[\"”’']?")
_CLAUSE_END = re.compile(r",\s+|;\s+|\s[–—-]\s|，|；")


def clean_text(written: str, *, most: int) -> str:
    """The ad in what a model wrote: its first line, no preface, label, bullet or quotes, `most` columns long.

    What does not fit is cut at the end of a sentence, else of a clause; a word that was cut off is dropped.
    Empty if nothing whole fits.
    """
    text = _PREFACE.sub("", written.strip())
    line = next((line for line in text.splitlines() if line.strip(_QUOTES)), "")
    line = _LABEL.sub("", _BULLET.sub("", plain_text(line))).strip()
    return _fitted(_unquoted(line), most)


def _unquoted(text: str) -> str:
    return text.strip(_QUOTES).replace('"', "").replace("“", "").replace("”", "")


def _fitted(text: str, most: int) -> str:
    """The first sentence of `text` if it fits, else its longest clause that does, with a full stop."""
    sentence = _SENTENCE.match(text)
    if sentence and display_width(sentence[0]) <= most:
        return sentence[0].strip()
    body = sentence[0] if sentence else text
    ends = [found.start() for found in _CLAUSE_END.finditer(body)]
    for end in reversed(ends):
        clause = body[:end].strip()
        if display_width(clause) < most and len(clause.split()) >= 5:
            return f"{clause}."
    return ""


def parse_draft(written: str, *, headline_most: int, description_most: int) -> Draft:
    """The draft in what a model wrote: what it labelled headline and description, else one description."""
    labelled = {found["label"].lower(): found["text"] for found in _LABELLED.finditer(written)}
    headline = next(
        (labelled[label] for label in ("headline", "title", "subject", "subject line") if label in labelled),
        "",
    )
    description = next(
        (labelled[label] for label in ("description", "post", "body", "preview line") if label in labelled),
        "",
    )
    if headline and description:
        return Draft(_headline(headline, headline_most), clean_text(description, most=description_most))
    return Draft("", clean_text(written, most=description_most))


def _headline(text: str, most: int) -> str:
    cleaned = plain_text(text).strip(_QUOTES).rstrip(".")
    return cleaned if display_width(cleaned) <= most else ""
