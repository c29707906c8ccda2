"""Worlds of logged impressions whose truth is known, in families: some to choose methods on, others to test them on.

A world is cells of context x action. As everything about a row follows from its cell and whether it was clicked,
a log is a table of counts, and thousands of logs are drawn in seconds.
"""

from typing import NamedTuple

import numpy as np

CONTEXTS, ACTIONS = 5, 8


class Log(NamedTuple):
    """Distinct rows of a log, and how many there are of each."""

    count: np.ndarray
    reward: np.ndarray
    weight: np.ndarray
    q_logged: np.ndarray
    q_policy: np.ndarray
    propensity: np.ndarray
    target: np.ndarray
    cell: np.ndarray

    def rows(self):
        """Each column with a row an impression."""
        return Log(*(np.repeat(column, self.count) for column in self))


class World:
    """A logging and a target policy, and a click probability for each cell.

    Args:
        family: How the policies are drawn, one of `FAMILIES`.
        clicks: Click rate x effective sample size, which decides how many impressions a log has.
        rate: The click rate.
        gain: By what share the policy earns more than the log; None: as it comes.
        seed: Of the world.
    """

    def __init__(self, family, *, clicks, rate, seed, gain=0.0):
        rng = np.random.default_rng(seed)
        logging, target = FAMILIES[family](rng)
        context = rng.dirichlet(np.full(CONTEXTS, 5.0))[:, None]
        by_context = rate * np.exp(0.6 * rng.standard_normal((CONTEXTS, 1)))  # whatever is shown
        liked = rng.standard_normal(logging.shape) + np.log(target / logging)
        chance, self.propensity, self.target = context * logging, logging.ravel(), target.ravel()
        click = self._click(by_context, liked, chance, target / logging, gain)
        click = np.minimum(click * rate / float((chance * click).sum()), 0.95)
        model = click * np.exp(0.3 * rng.standard_normal(logging.shape))
        self.chance, self.click, self.model = chance.ravel(), click.ravel(), model.ravel()
        self.weight = (target / logging).ravel()
        self.expected = np.repeat((target * model).sum(axis=1), ACTIONS)
        self.value, self.logged = (
            float(self.chance @ (self.weight * self.click)),
            float(self.chance @ self.click),
        )
        needed = clicks * float(self.chance @ self.weight**2) / self.logged
        self.n = int(np.clip(needed, 400, 300_000))
        self.name = f"{family}, rate {rate:g}, {self.n:,} rows, largest weight {self.weight.max():.0f}"

    @staticmethod
    def _click(by_context, liked, chance, weight, gain):
        """Click probabilities at which the policy earns so much more than the log."""
        if gain is None:
            return by_context * np.exp(0.5 * liked)
        if not gain:
            return by_context * np.ones_like(liked)
        low, high = 0.0, 5.0
        for _ in range(60):
            strength = (low + high) / 2
            click = np.minimum(by_context * np.exp(strength * liked), 0.95)
            is_more = (chance * weight * click).sum() > (1 + gain) * (chance * click).sum()
            low, high = (low, strength) if is_more else (strength, high)
        return click

    def draw(self, rng):
        """One log."""
        shown = rng.multinomial(self.n, self.chance)
        clicked = rng.binomial(shown, self.click)
        count, cell = np.r_[shown - clicked, clicked], np.tile(np.arange(shown.size), 2)
        seen, reward = count > 0, np.repeat([0.0, 1.0], shown.size)
        cell = cell[seen]
        columns = (self.weight, self.model, self.expected, self.propensity, self.target)
        return Log(count[seen], reward[seen], *(column[cell] for column in columns), cell)


def _softmax(scores):
    chance = np.exp(scores - scores.max(axis=1, keepdims=True))
    return chance / chance.sum(axis=1, keepdims=True)


def _soft(spread):
    shape = (CONTEXTS, ACTIONS)
    return lambda rng: tuple(_softmax(spread * rng.standard_normal(shape)) for _ in range(2))


def _rare(logged, wanted):
    """One action that the log hardly ever shows, and the policy somewhat more often."""

    def draw(rng):
        policies = []
        for share in (logged, wanted):
            policy = _softmax(0.5 * rng.standard_normal((CONTEXTS, ACTIONS)))
            policy[:, 0] = share
            policies.append(policy / policy.sum(axis=1, keepdims=True))
        return tuple(policies)

    return draw


def _dirichlet(rng):
    """Logging that strongly depends on the context, with a floor."""
    drawn = [rng.dirichlet(np.ones(ACTIONS), CONTEXTS) for _ in range(2)]
    return tuple(0.98 * policy + 0.02 / ACTIONS for policy in drawn)


def _greedy(rng):
    """Both show their favourite of the context, and the rest for exploration."""
    policies = []
    for floor in (0.3, 0.2):
        policy = np.full((CONTEXTS, ACTIONS), floor / ACTIONS)
        policy[np.arange(CONTEXTS), rng.integers(0, ACTIONS, CONTEXTS)] += 1 - floor
        policies.append(policy)
    return tuple(policies)


def _lognormal(rng):
    """Logging of a long tail of actions, the policy nearly even."""
    logging = np.exp(1.2 * rng.standard_normal((CONTEXTS, ACTIONS)))
    target = np.exp(0.3 * rng.standard_normal((CONTEXTS, ACTIONS)))
    return logging / logging.sum(axis=1, keepdims=True), target / target.sum(axis=1, keepdims=True)


def _one_context(rng):
    """One context of the five is served by an almost deterministic log."""
    logging, target = (_softmax(0.5 * rng.standard_normal((CONTEXTS, ACTIONS))) for _ in range(2))
    logging[0] = 0.01
    logging[0, 0] = 1 - 0.01 * (ACTIONS - 1)
    return logging, target


def _zipf(rng):
    """The log shows what is popular, whatever the context; the policy has a favourite in each."""
    popular = 1 / rng.permutation(np.arange(1, ACTIONS + 1))
    return np.tile(popular / popular.sum(), (CONTEXTS, 1)), _softmax(rng.standard_normal((CONTEXTS, ACTIONS)))


def _reversed(rng):
    """The policy prefers what the log shows least."""
    scores = 0.7 * rng.standard_normal((CONTEXTS, ACTIONS))
    return _softmax(scores), _softmax(-scores)


FAMILIES = {
    "softmax .5": _soft(0.5),
    "softmax 1": _soft(1.0),
    "softmax 1.4": _soft(1.4),
    "dirichlet": _dirichlet,
    "rare .004": _rare(0.004, 0.05),
    "rare .001": _rare(0.001, 0.03),
    "greedy": _greedy,
    "lognormal": _lognormal,
    "one context": _one_context,
    "zipf": _zipf,
    "reversed": _reversed,
}
TO_CHOOSE = ("softmax .5", "softmax 1", "softmax 1.4", "dirichlet", "rare .004", "rare .001")
TO_TEST = ("greedy", "lognormal", "one context", "zipf", "reversed")
