"""Benefits in customers' words: short sentences of reviews that praise and complain of nothing."""

from __future__ import annotations

from collections.abc import Sequence

from adcli.copy.fact import Fact
from adcli.copy.lexicon import NEGATIVE, POSITIVE, lexicon
from adcli.copy.wording import sentences, words

_MOST = 3
_LONGEST = 12


def praise(reviews: Sequence[str]) -> list[Fact]:
    """The first three sentences of `reviews` that praise the thing, as benefits whose source is `review`."""
    found: dict[str, Fact] = {}
    for review in reviews:
        for sentence in sentences(review):
            said = set(words(sentence))
            is_short = 3 <= len(sentence.split()) <= _LONGEST
            if (
                is_short
                and said & POSITIVE
                and not said & (NEGATIVE | lexicon()["en"]["of_the_shop"] | {"not", "but", "never"})
            ):
                found.setdefault(
                    sentence.lower(),
                    Fact("benefit", sentence.rstrip(".!"), "", sentence, negated=False, source="review"),
                )
    return list(found.values())[:_MOST]
