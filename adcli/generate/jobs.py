"""What a language model is asked for a product and an audience, and the drafts in what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from adcli.copy.channels import Channel
from adcli.copy.facts import ProductFacts
from adcli.generate.drafting import Draft, parse_draft
from adcli.generate.prompts import Message, Prompt, prompts_for


class Write(Protocol):
    """A language model: the continuations of each prompt, `n` of them, in the order of the prompts."""

    def __call__(
        self,
        prompts: Sequence[str] | Sequence[list[Message]],
        *,
        n: int,
        max_new_tokens: int,
        temperature: float,
        top_p: float,
        seed: int,
    ) -> list[list[str]]:
        """Continue `prompts`: texts, or messages whose last one is the assistant's and is to be continued."""


class Sampling(NamedTuple):
    """How a model is asked: drafts for each job, temperature, top-p, seed, and whether it takes messages."""

    candidates: int
    temperature: float
    top_p: float
    seed: int
    chat: bool


class Segment(NamedTuple):
    """An audience: its id, and the words that mark it (`outdoor boots · hiking`)."""

    segment_id: str
    name: str


MOST_TOKENS = 48
"""Of a draft, where the channel has no limit."""


class AdRequest(NamedTuple):
    """One product for one audience (None: everybody): what the model is asked."""

    product: ProductFacts
    segment: Segment | None
    prompts: tuple[Prompt, ...]


class Written(NamedTuple):
    """One draft, and what it says of the product: all but the phrase that names it, which every draft has."""

    draft: Draft
    said: str


MOST_PROMPTS = 3
"""Beginnings that a product's drafts are shared among; one with few facts has fewer, and fewer drafts."""


def jobs_for(
    products: Sequence[ProductFacts], segments: Sequence[Segment], sampling: Sampling
) -> list[AdRequest]:
    """One job for each product and segment, products in order."""
    most = min(MOST_PROMPTS, sampling.candidates)
    audiences: Sequence[Segment | None] = segments or (None,)
    return [
        AdRequest(
            product,
            segment,
            tuple(prompts_for(product, shoppers=segment.name if segment else "", most=most)),
        )
        for product in products
        for segment in audiences
    ]


def drafts_for(
    jobs: Sequence[AdRequest], write: Write | None, channel: Channel, sampling: Sampling
) -> list[list[Written]]:
    """What the model drafts for each job: each prompt's beginning with each of its continuations."""
    if write is None or not jobs:
        return [[] for _ in jobs]
    prompts = [prompt for job in jobs for prompt in job.prompts]
    asked: Sequence[str] | Sequence[list[Message]] = (
        [prompt.messages() for prompt in prompts] if sampling.chat else [prompt.text() for prompt in prompts]
    )
    answers = write(
        asked,
        n=-(-sampling.candidates // min(MOST_PROMPTS, sampling.candidates)),
        max_new_tokens=min(MOST_TOKENS, channel.descriptions.columns // 3),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=sampling.seed,
    )
    written = iter(answers)
    return [
        [draft_in(text, prompt, channel) for prompt in job.prompts for text in next(written)] for job in jobs
    ]


def draft_in(answer: str, prompt: Prompt, channel: Channel) -> Written:
    """The draft in a model's continuation of the prompt's beginning."""
    joined = answer[:1] in "'’ ,.，。" or not prompt.lead.isascii()
    whole = f"{prompt.lead}{'' if joined else ' '}{answer}"
    draft = parse_draft(
        whole, headline_most=channel.headlines.columns, description_most=channel.descriptions.columns
    )
    subject, that, _ = prompt.lead.rpartition(" that ")
    return Written(draft, draft.description.removeprefix(f"{subject}{that}" or prompt.lead).strip())
