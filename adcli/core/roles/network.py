"""What is read off the states of a sentence's words: predicates, the roles of each, and who depends on whom.

A sentence goes through the encoder once, whatever the number of its predicates. Dependencies are learned
beside the roles, of which they know much: how likely a word depends on the predicate, or it on the word, and
as what, counts for each role. They also turn a role's head word into its phrase.

Source: Dozat and Manning, "Deep Biaffine Attention for Neural Dependency Parsing" (2017), equations 2 to 6;
Cai et al., "A Full End-to-End Semantic Role Labeler, Syntactic-agnostic Over Syntactic-aware?" (2018), for
roles by the same scorer; Strubell et al., "Linguistically-Informed Self-Attention" (2018), for syntax as a
second task; Peters et al., "Deep Contextualized Word Representations" (2018), equation 1,
for the mean of layers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch  # noqa: TID253 - this module is reached only once a model is loaded

WIDTH = 256
FARTHEST = 16  # words between predicate and argument that are told apart
DROPPED = 0.2
SYNTAX_SCALE = (
    4.0  # of what syntax says of a role, whose weights begin at 0 and are log-odds of several units
)


class Scores(NamedTuple):
    """What is read off a batch of sentences of at most w words.

    Attributes:
        predicate: (sentences, w) log-odds that a word is a predicate.
        role: (predicates, w, roles + 1) scores of the role of each word; the first is no role.
        head: (sentences, w, w) scores of each word's head.
        relation: (sentences, w, relations) scores of what it is to its head.
        tag: (sentences, w, tags) scores of its part of speech.
    """

    predicate: torch.Tensor
    role: torch.Tensor
    head: torch.Tensor
    relation: torch.Tensor
    tag: torch.Tensor


class RoleNetwork(torch.nn.Module):
    """Scores from the states of words.

    Args:
        states: Numbers of a word's state.
        layers: The encoder's layers of states, that of the embeddings among them.
        roles: How many roles there are.
        relations: How many syntactic relations.
        tags: How many parts of speech.
    """

    def __init__(self, states: int, layers: int, roles: int, relations: int, tags: int) -> None:
        super().__init__()
        self.mix = torch.nn.Parameter(torch.tensor([*[0.0] * (layers - 1), 1.0]))

        def layer() -> torch.nn.Sequential:
            return torch.nn.Sequential(
                torch.nn.Dropout(DROPPED),
                torch.nn.Linear(states, WIDTH),
                torch.nn.GELU(),
                torch.nn.Dropout(DROPPED),
            )

        self.of_predicate, self.of_argument = layer(), layer()
        self.of_dependent, self.of_head = layer(), layer()
        self.pair = torch.nn.Parameter(torch.zeros(roles + 1, WIDTH + 1, WIDTH + 1))
        self.distance = torch.nn.Embedding(2 * FARTHEST + 1, roles + 1)
        torch.nn.init.zeros_(self.distance.weight)
        self.depends = torch.nn.Parameter(torch.zeros(WIDTH + 1, WIDTH))
        torch.nn.init.normal_(self.depends, std=WIDTH**-0.5 / 4)
        self.relation = torch.nn.Linear(WIDTH, relations)
        self.tag = torch.nn.Linear(WIDTH, tags)
        self.below = torch.nn.Parameter(torch.zeros(relations, roles + 1))
        self.above = torch.nn.Parameter(torch.zeros(relations, roles + 1))
        self.is_predicate = torch.nn.Linear(WIDTH, 1)

    def mixed(self, layers: Iterable[torch.Tensor]) -> torch.Tensor:
        """The mean of each layer's states, by learned weights."""
        weights = torch.softmax(self.mix, dim=0)
        return torch.stack([w * states for w, states in zip(weights, layers, strict=True)]).sum(dim=0)

    def predicates(self, words: torch.Tensor) -> torch.Tensor:
        """(sentences, w) log-odds that each word is a predicate."""
        scores: torch.Tensor = self.is_predicate(self.of_dependent(words))[..., 0]
        return scores

    def forward(
        self, words: torch.Tensor, there: torch.Tensor, sentence: torch.Tensor, predicate: torch.Tensor
    ) -> Scores:
        """The scores of a batch.

        Args:
            words: (sentences, w, states) of the words.
            there: (sentences, w) which are words.
            sentence: (predicates,) the sentence of each predicate.
            predicate: (predicates,) its place there.
        """
        asked = _with_one(self.of_predicate(words[sentence, predicate]))
        offered = _with_one(self.of_argument(words))
        by_role = torch.einsum("pi,oij->poj", asked, self.pair.to(asked.dtype))
        place = torch.arange(words.shape[1], device=words.device)
        apart = (place[None, :] - predicate[:, None]).clamp(-FARTHEST, FARTHEST) + FARTHEST
        role = torch.bmm(by_role, offered[sentence].transpose(1, 2)).transpose(1, 2) + self.distance(apart)
        dependent = self.of_dependent(words)
        head = _with_one(dependent) @ self.depends.to(dependent.dtype) @ self.of_head(words).transpose(1, 2)
        head = head.float().masked_fill(~there[:, None, :], -torch.inf)
        relation = self.relation(dependent)
        heads, relations = head.softmax(dim=-1), relation.float().softmax(dim=-1)
        is_below, is_above = heads[sentence, :, predicate], heads[sentence, predicate]
        role = role + SYNTAX_SCALE * (
            is_below[..., None] * (relations @ self.below)[sentence]
            + is_above[..., None] * (relations[sentence, predicate] @ self.above)[:, None]
        )
        return Scores(self.is_predicate(dependent)[..., 0], role, head, relation, self.tag(dependent))


def _with_one(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x, torch.ones_like(x[..., :1])], dim=-1)
