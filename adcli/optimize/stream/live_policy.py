"""The policy that learns while it decides: lines in, answers out, in blocks.

The model is solved anew after so many lines that were used, counted from the beginning, and not at the end of
a block: the same lines get the same decisions however they are cut into blocks, and after any restart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from adcli.arrays import Flags, Floats, Integers
from adcli.optimize.stream.bids import Bidding
from adcli.optimize.stream.contexts import Contexts
from adcli.optimize.stream.exploration import Settings, probabilities, uniforms_of
from adcli.optimize.stream.prior import RATES, OfflinePolicy
from adcli.optimize.stream.refused import RefusedLine, identifier, shown
from adcli.optimize.stream.rewards import Rewards
from adcli.optimize.stream.rules import ActionNames, Rules
from adcli.optimize.stream.spending import Spending
from adcli.policies.history import SO_FAR
from adcli.policies.sampling import draw

PLAIN = re.compile(
    rb'\{"id": ?"([\w.:-]{1,64})", ?(?:"context": ?(\{.*\})|"reward": ?([01]))\}', re.ASCII
)  # a request with its context, or a click or none
REWARDS = {b"0": (0.0, 0.0), b"1": (1.0, 0.0)}
MOST_LINES = 1_024  # between two solutions; fewer at the start
WIDENED = 4.0  # times the exploration after a drift
FADING = 5_000.0  # decisions in which half of that is gone
KINDS = ("context", "reward", "budget", "rules")
KNOWN_KEYS = {"id", "context", "eligible", "reward", "cost", "won", "replace", "budget", "decisions", "rules"}


class Block(NamedTuple):
    """What came of some lines."""

    used: list[bytes]  # the lines that changed something, as they came
    decided: list[bytes]  # the decisions among the answers, by number
    answers: list[bytes]  # all that is answered, errors too
    refused: int  # how many lines were answered with an error


class LivePolicy:
    """An offline policy that goes on learning."""

    def __init__(self, offline: OfflinePolicy, settings: Settings, bidding: Bidding | None = None) -> None:
        actions = len(offline.actions)
        self.offline, self.settings, self.bidding = offline, settings, bidding
        self.contexts = Contexts(offline)
        self.rewards = Rewards(
            settings,
            actions,
            self.contexts.dimensions,
            offline.level,
            self.contexts.parts,
            is_rate=offline.reward in RATES,
        )
        self.decisions = self.rewards.decisions
        obeyed = offline.constraints
        self.spending = Spending(obeyed.is_free(actions), obeyed.costs, by_bids=bidding is not None)
        self.names = ActionNames(offline.actions)
        self.rules = Rules(self.names, obeyed, settings.epsilon)
        self.lines, self.next_solution = 0, 8  # used so far; and when the model is next solved
        self._key = hashlib.blake2b(str(settings.seed).encode(), digest_size=16).digest()
        self._texts = [orjson.dumps(text if type(text) is dict else {offline.actions.columns[0]: text})[1:-1]
                       for text in self.names.texts]  # fmt: skip
        self._numbers = {text: number for number, text in enumerate(self._texts)}
        # id, slot, what may be shown, place and begin of the answer, user
        self._pending: list[tuple[bytes, int, Flags | None, int, bytes, str | None]] = []
        self._answers: list[bytes] = []
        self._decided_now: list[bytes] = []
        self._given: Iterator[bytes] | None = None
        if obeyed.budget:
            self._begin(obeyed.budget)
        self.look()

    # ---- lines

    def answer(self, lines: Sequence[bytes], given: Sequence[bytes] | None = None) -> Block:
        """Use a block of lines; `given` are the decisions of a journal, which are taken instead of drawn."""
        self._answers, self._decided_now = [], []
        used: list[bytes] = []
        self._given = None if given is None else iter(given)
        refused = 0
        for line in lines:
            plain = PLAIN.fullmatch(line)
            if plain is None or not self._use_plain(*plain.groups()):
                message: Any = None
                is_used, why, unknown = False, "", self.contexts.unknown_keys
                try:
                    message = orjson.loads(line)
                    is_used = self._use(message, None if plain is None else plain[2])
                except orjson.JSONDecodeError as error:
                    why = f"This line is no JSON ({error.msg})."
                except RefusedLine as refusal:
                    why = str(refusal)
                if why:
                    self._answers.append(_error(message, why))
                    refused += 1
                if not is_used:
                    self.contexts.unknown_keys = unknown
                    continue
            used.append(line)
            self.lines += 1
            if self.lines == self.next_solution:
                self._solve()
        self._decide()
        return Block(used, self._decided_now, self._answers, refused)

    def _use_plain(self, name: bytes, context: bytes | None, reward: bytes | None) -> bool:
        """Whether a line could be used by its text: a first reward, or a context that was met before."""
        row = self.decisions.index.get(name)
        if reward is not None:
            limited = self.spending.is_limited
            return row is not None and not limited and self.rewards.take_first(row, REWARDS[reward])
        slot = self.contexts.met.get(context)  # type: ignore[arg-type]
        if row is not None or slot is None or not self._is_plain:
            return False
        pending, answers = self._pending, self._answers  # as `_wait` does, for most lines come this way
        self.decisions.index[name] = self.decisions.size + len(pending)
        pending.append((name, slot, None, len(answers), b'"%b"' % name, None))
        answers.append(b"")
        return True

    def _wait(
        self, name: bytes, slot: int, eligible: Flags | None, told_name: bytes, user: str | None
    ) -> None:
        self.decisions.index[name] = self.decisions.size + len(self._pending)
        self._pending.append((name, slot, eligible, len(self._answers), told_name, user))
        self._answers.append(b"")

    def _use(self, message: Any, text: bytes | None) -> bool:
        """Whether a line changes something."""
        if type(message) is not dict:
            raise RefusedLine(f"A line must be an object, not {shown(message)}.")
        if len(stated := [kind for kind in KINDS if kind in message]) > 1:
            raise RefusedLine(f"A line says one thing, not {' and '.join(map(repr, stated))}.")
        self.contexts.unknown_keys += len(message.keys() - KNOWN_KEYS)
        if "reward" in message or "won" in message:
            return self._settle(message)
        if "context" in message or not set(message) - {"id", "eligible"}:
            return self._request(message, text)
        self._decide()
        if "budget" in message:
            self._begin(message)
            return True
        if "rules" in message:
            self.rules.update(message["rules"])
            self.look()
            return True
        raise RefusedLine("A line needs 'context', 'reward', 'budget' or 'rules'.")

    def _begin(self, budget: Mapping[str, Any]) -> None:
        """Take a budget, of which a part is kept for decisions under way."""
        under_way = np.bincount(self.rewards.unheard()["action"], minlength=len(self.offline.actions))
        self.spending.begin(budget, under_way.astype(np.float64))
        self.look()

    def _settle(self, message: dict[str, Any]) -> bool:
        """Take a reward; of an auction, before the next bids."""
        row = self.rewards.row(message)
        if self.bidding or row >= self.decisions.size:
            self._decide()
        if (settled := self.rewards.take(row, message)) is None:
            return False
        self.spending.settle(*settled)
        if self.spending.is_limited:
            self.look()
        return True

    def _request(self, message: dict[str, Any], text: bytes | None) -> bool:
        name = identifier(message)
        context = message.get("context") or {}
        if type(context) is not dict:
            raise RefusedLine(f"'context' must be an object, not {shown(context)}.")
        for needed, rule in self.offline.constraints.needed.items():
            if needed not in context:
                raise RefusedLine(f"The context needs '{needed}', for the policy obeys {rule}.")
        known, user = self.decisions.index.get(name), self.rules.user(context)
        again = user is not None and any(user == waiting[-1] for waiting in self._pending)
        if again or self.contexts.is_full or (known is not None and known >= self.decisions.size):
            self._decide()
            self.contexts.make_room()
        if user is not None and SO_FAR in self.contexts.columns:
            context, text = {**context, SO_FAR: self.rules.seen[user].total()}, None
        slot = self.contexts.slot(context, text)
        told_name = orjson.dumps(message["id"])
        if known is not None:
            self._repeat(known, slot, told_name)
            return False
        eligible = None
        if self._is_restricted or "eligible" in message:
            eligible = self._eligible(slot, message.get("eligible"), user)
        if self.bidding and not self.spending.decisions:
            raise RefusedLine('A bid needs a budget: send {"budget": ..., "decisions": ...} first.')
        self._wait(name, slot, eligible, told_name, user)
        return True

    def look(self) -> None:
        """See whether any action may be shown to any request, until the next solution."""
        ahead = MOST_LINES + len(self._pending)
        is_short = self.spending.room() < ahead
        self._is_restricted = self.contexts.decides_eligibility or self.rules.hold or is_short
        self._is_plain = not self._is_restricted and bool(self.spending.decisions or not self.bidding)

    def _eligible(self, slot: int, own: Any, user: str | None) -> Flags:
        """What may be shown to a request."""
        if min(self.rules.room(), self.spending.room()) < len(self._pending) + 1:
            self._decide()
        self.contexts.encode()
        allowed: Flags = self.contexts.eligible[slot] & self.rules.open(user)
        if own is not None:
            allowed &= self.names.mask(own)
        if not allowed.any():
            raise RefusedLine("No action may be shown here.")
        allowed &= self.spending.affordable()
        if not allowed.any():
            raise RefusedLine(self.spending.why_not())
        return allowed

    def _repeat(self, row: int, slot: int, told_name: bytes) -> None:
        """Answer a request that was answered before with the same decision."""
        self.contexts.encode()
        context = self.rewards.learner.features(self.contexts.features[slot : slot + 1])
        made = self.decisions[np.array([row])]
        moves = SO_FAR in self.contexts.columns  # the same context is another one by now
        if not moves and not np.array_equal(context.astype(np.float32), made["context"]):
            raise RefusedLine("This id was decided before, for another context.")
        self._answers += self._told([told_name], made["action"], made["propensity"], made["bid"])

    def _told(self, names: Sequence[bytes], *made: NDArray[Any]) -> list[bytes]:
        """The answers that tell some decisions: their action, propensity and bid, shape (n,) each."""
        columns = [column.tolist() for column in made]
        if self.bidding:
            return [
                b'{"id":%b,%b,"propensity":%.9g,"bid":%.9g}\n' % (name, self._texts[action], share, bid)
                for name, action, share, bid in zip(names, *columns, strict=True)
            ]
        return [
            b'{"id":%b,%b,"propensity":%.9g}\n' % (name, self._texts[action], share)
            for name, action, share in zip(names, *columns[:2], strict=True)
        ]

    # ---- decisions

    def _decide(self) -> None:
        """Decide for the requests that wait."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        self.contexts.encode()
        names, slots, masks, places, told_names, users = map(list, zip(*pending, strict=True))
        context, expected = self.contexts.features[slots], self.contexts.expected[slots]
        eligible = np.ones(expected.shape, dtype=bool)
        for row, mask in enumerate(masks):
            if mask is not None:
                eligible[row] = mask
        learner = self.rewards.learner
        reward, cost = learner.predict(context, expected)
        chosen = probabilities(
            self.settings,
            reward - self.spending.price * cost,
            eligible,
            scale=learner.scale,
            spread=partial(learner.spread, context, expected),
            floor=self.rules.floor,
            wider=self._widening(),
        )
        action = draw(chosen, uniforms_of(names, self._key))
        rows = np.arange(len(pending))
        propensity = chosen[rows, action]
        if self._given is not None:
            self._take_given(action, propensity)
        bids = np.zeros(rows.size)
        if self.bidding:
            bids = self.bidding.bids(reward[rows, action], self.spending)
        self.decisions.append(
            names,
            context=learner.features(context),
            action=action,
            propensity=propensity,
            expected=expected[rows, action],
            predicted=reward[rows, action],
            clock=self._clock(rows),
            bid=bids,
        )
        self.rules.count(action, users)
        self.spending.decided(action, float(cost[rows, action].sum()), float(bids.sum()))
        told = self._told(told_names, action, propensity, bids)
        for place, text in zip(places, told, strict=True):
            self._answers[place] = text
        self._decided_now += told
        self.contexts.make_room()

    def _clock(self, rows: Integers) -> Floats:
        """The clock of each decision; it stands at the last of them afterwards."""
        step = 1 / self.settings.half_life if self.settings.half_life else 0.0
        clock = self.rewards.learner.clock + step * (rows + 1)
        self.rewards.learner.pass_time(step * rows.size)
        return np.asarray(clock, dtype=np.float64)

    def _widening(self) -> float:
        """How much more than usual is explored, after a drift."""
        if not self.rewards.drifts:
            return 1.0
        age = self.decisions.size - self.rewards.last_drift
        return 1 + (WIDENED - 1) * float(0.5 ** (age / FADING))

    def _take_given(self, action: Integers, propensity: Floats) -> None:
        """Put the journal's decisions in place of those drawn."""
        assert self._given is not None  # noqa: S101 - a journal is being read
        for row in range(action.size):
            answer = orjson.loads(next(self._given))
            propensity[row] = answer["propensity"]
            text = orjson.dumps({name: answer[name] for name in self.names.columns})[1:-1]
            action[row] = self._numbers[text]

    # ---- learning

    def _solve(self) -> None:
        """Learn of the rewards since the last time, and set the price of the budget."""
        self._decide()
        self.next_solution += min(max(8, 2 ** (self.lines // 32).bit_length() // 2), MOST_LINES)
        made, unheard = self.rewards.learn()
        if self.bidding and made.size:
            won = np.isfinite(made["reward"])
            self.bidding.observe(made["predicted"], made["bid"], won, made["cost"])
        self.spending.let_go(unheard["action"], float(unheard["bid"].sum()))
        self.spending.adjust(0.0 if self.bidding else self.rewards.learner.scale)
        self.look()


def _error(message: Any, why: str) -> bytes:
    """An error line, with the id where there is one."""
    named = {"id": message["id"]} if type(message) is dict and type(message.get("id")) in (str, int) else {}
    return orjson.dumps({**named, "error": why}) + b"\n"
