"""A policy applied: each context gets an action, a placement and the probability it was chosen with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.optimize.allotment import Allotment
from adcli.policies.constrained import ConstrainedPolicy
from adcli.policies.explanation import Explanation, explain
from adcli.policies.policy import Policy, chunks
from adcli.policies.sampling import draw

DRAWS_PER_STEP = 4  # what one step of the Philox counter gives
OF_ANOTHER_ACTION = ("click", "conversion", "revenue", "cost", "quantity", "propensity")


def apply_policy(
    policy: Policy,
    contexts: pl.DataFrame,
    *,
    seed: int = 0,
    first_row: int = 0,
    greedy: bool = False,
    explained: bool = False,
) -> pl.DataFrame:
    """The columns of the action chosen for each context, its `propensity`, and the context itself.

    The draw of a row depends on the seed and the row's number alone, so that a file applied in parts gives
    the same as applied at once. Outcomes of an action logged before are left out; the logged action itself is
    kept as `logged_...`.

    Args:
        policy: The policy.
        contexts: One row per decision, with the policy's context columns.
        seed: Of the draws.
        first_row: The number of the first row in the whole input.
        greedy: Take the likeliest action, with a propensity of 1, instead of drawing one.
        explained: Add the `score` of what was chosen, the `score_base` it starts from, and as `explanation`
            what each feature adds to that, as a JSON object, the most telling first.

    Raises:
        DataError: If the contexts lack a column the policy needs, or there is nothing to explain.
    """
    draws = row_uniforms(seed, first_row, contexts.height)
    if isinstance(policy, ConstrainedPolicy):
        chosen, propensity = Allotment(policy, contexts).decide(contexts, draws, greedy=greedy)
    else:
        chosen, propensity = _drawn(policy, contexts, draws, greedy=greedy)
    if greedy:
        propensity[:] = 1.0
    logged = {name: f"logged_{name}" for name in policy.actions.columns if name in contexts.columns}
    kept = contexts.drop(*OF_ANOTHER_ACTION, *logged.values(), strict=False)
    decided = policy.actions.frame[chosen].with_columns(propensity=pl.Series(propensity))
    if explained:
        decided = decided.hstack(explanation_columns(explain(policy, contexts, chosen)))
    return decided.hstack(kept.rename(logged))


def apply_in_blocks(
    policy: Policy, blocks: Iterable[pl.DataFrame], *, seed: int, greedy: bool, explained: bool
) -> Iterator[pl.DataFrame]:
    """What `apply_policy` gives, block by block of the contexts."""
    first = 0
    for block in blocks:
        yield apply_policy(policy, block, seed=seed, first_row=first, greedy=greedy, explained=explained)
        first += block.height


def explanation_columns(found: Explanation) -> pl.DataFrame:
    """`score`, `score_base`, and as `explanation` what each feature adds: a JSON object, by falling size."""
    order = np.argsort(-np.abs(found.contributions), axis=1)
    said = [
        json.dumps({found.names[place]: float(own[place]) for place in places})
        for own, places in zip(found.contributions, order, strict=True)
    ]
    base = pl.repeat(found.base, len(said), eager=True)
    return pl.DataFrame({"score": found.score, "score_base": base, "explanation": said})


def _drawn(policy: Policy, contexts: pl.DataFrame, draws: Floats, *, greedy: bool) -> tuple[Integers, Floats]:
    """The action of each context and its probability."""
    chosen, propensity = np.empty(contexts.height, dtype=np.int64), np.empty(contexts.height)
    for rows in chunks(contexts.height, len(policy.actions)):
        probabilities = policy.probabilities(contexts[rows])
        chosen[rows] = probabilities.argmax(axis=1) if greedy else draw(probabilities, draws[rows])
        propensity[rows] = probabilities[np.arange(probabilities.shape[0]), chosen[rows]]
    return chosen, propensity


def row_uniforms(seed: int, first_row: int, n: int) -> Floats:
    """A uniform number for each of n rows that depends on the seed and the row's number alone, shape (n,)."""
    steps, skipped = divmod(first_row, DRAWS_PER_STEP)
    generator = np.random.Generator(np.random.Philox(key=seed, counter=steps))
    return generator.random(n + skipped)[skipped:]
