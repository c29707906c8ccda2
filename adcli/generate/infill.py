"""What a language model writes between the values: the clause after a phrase that names a product.

Every request begins with the same instruction and examples, so that they are read once for all products. The
sentence is begun for the model (`A brass table lamp that`): a small one left to itself forgets the product.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from adcli.copy.ad import Line
from adcli.copy.channels import Channel, display_width, unfit
from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import STOP_WORDS
from adcli.copy.prompts import ad_prompt
from adcli.copy.wording import root, sentences, words
from adcli.generate.grammar import Frame, lines_of
from adcli.generate.nouns import noun_for
from adcli.generate.phrases import phrases_of

Message = dict[str, str]
FRAMES = (
    Frame("benefit", "{a} that", frozenset(), frozenset(), frozenset()),
    Frame("use", "with {the}, you", frozenset(), frozenset(), frozenset()),
    Frame("audience", "{a} for {whom} that", frozenset(), frozenset(), frozenset()),
)
"""What a model continues."""
MOST_LEADS = 2
MOST_TOKENS = 32
FULL = 125  # columns of one sentence at most, where a channel has no limit
_INSTRUCTION = "You write short, honest ads for an online shop. You use only the facts you are given."
_EXAMPLES = (
    ("Showpiece", "brass, gold", "A brass showpiece that gives your shelf a quiet shine."),
    (
        "Router",
        "white, 300 mbps wireless speed",
        "With the Lanway router, you have a connection in every room.",
    ),
    ("Romper", "cotton, for baby boys", "A cotton romper for baby boys that is easy to play and nap in."),
    ("Pan", "non-stick", "With the Ferro pan, you turn out breakfast for two."),
    ("Shampoo", "250 ml, for curly hair", "A shampoo for curly hair that leaves your curls easy to comb."),
    ("Watch", "leather strap, round dial", "A watch that suits the office and the weekend."),
)
_BROKEN = re.compile(
    r"[�{}\\|<>\[\]\"]|https?:|,,|\b(?:and|or|the|a|an|of|to|with|for|that|your|is)[.!?]|"
    r"\b(\w+) (?:and|or) \1\b"
)
_SAYS_NOTHING = frozenset({"made", "comes", "come", "keep", "keeps", "use", "get", "gives", "take", "takes"})
FEWEST = 4  # words of an ad
RUN = 4  # words in a row that make a clause a copy of an example


class Write(Protocol):
    """A language model: the continuations of each prompt, `n` of them, in the order of the prompts."""

    def __call__(
        self,
        prompts: Sequence[str] | Sequence[list[Message]],
        *,
        n: int,
        columns: Sequence[int],
        max_new_tokens: int,
        temperature: float,
        top_p: float,
        seed: int,
        plain: bool = False,
        audiences: Sequence[tuple[float, ...] | None] | None = None,
    ) -> list[list[str]]:
        """Continue `prompts`: texts, or messages whose last one is the assistant's and is to be continued.

        Each continuation ends its sentence within its `columns`; `plain` prompts are no messages to a model
        that has a chat template; `audiences` are profile vectors of whom each is for.
        """


class Sampling(NamedTuple):
    """How a model is asked: drafts for each product, temperature, top-p, seed, whether it takes messages.

    One that was `tuned` on ads is asked for whole ads, and for every product.
    """

    drafts: int = 4
    temperature: float = 0.6
    top_p: float = 0.9
    seed: int = 0
    chat: bool = True
    tuned: bool = False

    def how(self) -> dict[str, Any]:
        """What a model is told beside the prompts, their number of texts and their columns."""
        return {
            "max_new_tokens": MOST_TOKENS,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
        }


class Lead(NamedTuple):
    """A line that is begun, and what the model is told of its product."""

    begun: Line
    product: ProductFacts
    facts: str
    shoppers: str

    def messages(self) -> list[Message]:
        """Chat messages; the last one is the assistant's, to be continued."""
        turns: list[Message] = [{"role": "system", "content": _INSTRUCTION}]
        for product, facts, ad in _EXAMPLES:
            turns += [
                {"role": "user", "content": _request(product, facts, "")},
                {"role": "assistant", "content": ad},
            ]
        turns.append({"role": "user", "content": _request(self.product.kind, self.facts, self.shoppers)})
        return [*turns, {"role": "assistant", "content": self.begun.text}]

    def text(self) -> str:
        """The same as plain text, for a model without a chat template."""
        shown = [f"{_request(product, facts, '')}\nAd: {ad}" for product, facts, ad in _EXAMPLES]
        asked = _request(self.product.kind, self.facts, self.shoppers)
        return "\n\n".join([*shown, f"{asked}\nAd: {self.begun.text}"])


def _request(product: str, facts: str, shoppers: str) -> str:
    return f"Product: {product}\nFacts: {facts}" + (f"\nShoppers: {shoppers}" if shoppers else "")


def drafts(
    asked: Sequence[tuple[ProductFacts, str]], write: Write, channel: Channel, sampling: Sampling
) -> list[list[Line]]:
    """What the model writes of each product: whole sentences that fit, each once.

    Args:
        asked: Products, and the words of the audience ('' for everybody).
        write: The model.
        channel: How wide a description may be, and what it may not hold.
        sampling: How the model is asked.
    """
    leads = [list(islice(_leads(product, shoppers), MOST_LEADS)) for product, shoppers in asked]
    prompts = [lead for each in leads for lead in each]
    width = min(channel.descriptions.columns, FULL)
    if not prompts:
        return [[] for _ in asked]
    answers = iter(
        write(
            [lead.messages() for lead in prompts] if sampling.chat else [lead.text() for lead in prompts],
            n=-(-sampling.drafts // MOST_LEADS),
            columns=[width - display_width(lead.begun.text) - 1 for lead in prompts],
            **sampling.how(),
        )
    )
    return [
        list({line.text: line for lead in each for line in _lines(lead, next(answers), channel)}.values())
        for each in leads
    ]


def tuned_drafts(
    asked: Sequence[tuple[ProductFacts, str]],
    vectors: Sequence[tuple[float, ...] | None],
    write: Write,
    channel: Channel,
    sampling: Sampling,
) -> list[list[Line]]:
    """What a model that was tuned on ads writes of each product: whole ads that fit, each once.

    Args:
        asked: Products, and the words of the audience ('' for everybody).
        vectors: Of audiences, which the model is told instead of their words where there are some.
        write: The model.
        channel: How wide a description may be, and what it may not hold.
        sampling: How the model is asked.
    """
    both = zip(asked, vectors, strict=True)
    answers = write(
        [ad_prompt(product, "" if vector else shoppers) for (product, shoppers), vector in both],
        audiences=vectors,
        n=sampling.drafts,
        columns=[min(channel.descriptions.columns, FULL)] * len(asked),
        plain=True,
        **sampling.how(),
    )
    return [
        [
            Line(text, "benefit", frame="tuned", source="model")
            for text in dict.fromkeys(answer.strip() for answer in its)
            if len(words(text)) >= FEWEST
            and not _BROKEN.search(text)
            and not unfit(text, "descriptions", channel)
        ]
        for its in answers
    ]


def _leads(product: ProductFacts, shoppers: str) -> Iterator[Lead]:
    noun, phrases = noun_for(product), phrases_of(product)
    facts = ", ".join(fact.said for fact in product.listed[:5]) or product.name
    for frame in FRAMES:
        begun = next(lines_of([frame], noun, phrases, columns=60), None)
        if begun is not None and noun.kind:
            yield Lead(begun, product, facts, shoppers)


def _lines(lead: Lead, answers: Sequence[str], channel: Channel) -> Iterator[Line]:
    for answer in answers:
        told = sentences(f"{lead.begun.text} {answer.splitlines()[0] if answer.strip() else ''}")
        whole = told[0] if told else ""
        is_whole = whole.endswith(".") and not unfit(whole, "descriptions", channel)
        if is_whole and not _is_poor(whole, lead) and _is_on_record(whole, lead):
            yield lead.begun._replace(text=whole, source="model")


def _is_on_record(text: str, lead: Lead) -> bool:
    """Whether every word of the clause that says something is on record, and two are at least."""
    clause = words(text)[len(words(lead.begun.text)) :]
    known = {root(word) for word in lead.product.record.stems}
    said = {root(word) for word in clause if word not in STOP_WORDS | _SAYS_NOTHING}
    return len(said) > 1 and said <= known


def _is_poor(text: str, lead: Lead) -> bool:
    """Whether the clause is broken, says a word of its phrase again, or copies an example."""
    begun, said = words(lead.begun.text), words(text)
    clause = said[len(begun) :]
    shown = [words(ad) for _, _, ad in _EXAMPLES]
    runs = {tuple(example[i : i + RUN]) for example in shown for i in range(len(example) - RUN + 1)}
    copied = any(tuple(clause[i : i + RUN]) in runs for i in range(len(clause) - RUN + 1))
    again = (
        any((len(word) > 3 or word.isdigit()) and word in begun for word in clause)
        or len(set(clause)) < len(clause) - 2
    )
    return len(clause) < 3 or copied or again or bool(_BROKEN.search(text))
