"""A policy learned from a log: candidates, each valued on rows it did not see, and the choice among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from adcli.errors import DataError
from adcli.numbers import plain, show
from adcli.optimize.candidates import DIRECT, SOFTENED, fit_candidates, stand_in
from adcli.optimize.constraining import constrained, obeying, rules_of
from adcli.optimize.obeyed import obeyed_table
from adcli.optimize.uplift import PERSONAL, refusal
from adcli.policies.constrained import ConstrainedPolicy
from adcli.policies.constraints import Constraints
from adcli.policies.estimators import dr
from adcli.policies.evidence import Compared, Gates, ValueKind, diagnose, judge
from adcli.policies.history import SO_FAR, with_impressions_so_far
from adcli.policies.policy import Policy, ScoredPolicy
from adcli.policies.prepared import PreparedLog, Question, prepare_log
from adcli.policies.reward_model import CONSTANT, RewardFit, RewardModel
from adcli.policies.rows import FittedReward, PolicyRows, fit_reward, policy_rows, sample_notes
from adcli.policies.rules import Rules
from adcli.policies.uncertainty import difference_mean, value_mean
from adcli.progress import part, steps
from adcli.statistics.means import clustered_mean, std_error
from adcli.statistics.multiplicity import adjust
from adcli.statistics.verdicts import BETTER, NOT_ENOUGH

LOGGED = "logged"
ESTIMATED = "Propensities are estimated, which no verdict can rest on: log them."
QUESTION = Question()
FEWEST = 20  # matched clicks for which the error of a mean may be believed


class LearnedPolicy(NamedTuple):
    """What was learned.

    `policy` is the one chosen, fitted on all rows; `chosen` the name of its candidate, "logged" if none was
    better than what made the log. Then `policy` is the nearest thing to it that can be applied, with a row of
    its own in `candidates`: it may earn less. `candidates` has one row each, with `policy value std_error
    lower_bound difference difference_low difference_high p_adjusted effective_sample_size expected_clicks
    matched_clicks max_weight verdict reason chosen`, valued on rows that the candidate did not see; value,
    standard error and verdict are those that `evaluate policy` gives by `dr`, the lower bound is one-sided,
    p-values are adjusted for the number of candidates. `log` and `fitted` are what it was learned from: the
    log, and the cross-fitted reward model.
    `obeyed` is `obeyed_table`, None without constraints.
    """

    policy: Policy
    chosen: str
    reason: str
    candidates: pl.DataFrame
    context: list[str]
    notes: list[str]
    log: PreparedLog
    fitted: FittedReward
    obeyed: pl.DataFrame | None = None

    @property
    def reward_model(self) -> RewardFit:
        """The reward model, with what it is made of and how true it is."""
        return self.fitted.model


def learn_policy(
    impressions: pl.DataFrame,
    question: Question = QUESTION,
    *,
    items: pl.DataFrame | None = None,
    epsilon: float = 0.02,
    confidence: float = 0.95,
    constraints: Constraints | None = None,
) -> LearnedPolicy:
    """The policy worth most, pessimistically, among those learned from a log and the one that made it.

    Each candidate is fitted without a fold and valued on it. Of those whose verdict against the log is
    "better", and stays so with the number of candidates taken into account, the one with the greatest value,
    less its standard error, is chosen. What is deployed earns more than the log's policy on its own evidence.

    Args:
        impressions: The log: an action, a reward, `propensity`, and context columns.
        question: What is asked of it; rewards are to be at least 0.
        items: Attributes or vectors of the items, one row each.
        epsilon: The share of choices spread evenly over the eligible actions.
        confidence: Of the intervals and verdicts.
        constraints: What the policy must obey.

    Raises:
        DataError: If the log lacks what is needed, or holds it out of range; if constraints collide.
    """
    log = prepare_log(*with_frequency(impressions, question, constraints), items)
    _require_variation(log)
    rules = rules_of(constraints, log, items) if constraints else None
    with part(0, 0.9):
        fitted = fit_reward(log)
    with part(0.9, 0.98):
        rows = HeldOut(log, fitted, epsilon, rules)
        table = _value_table(log, rows, confidence)
    refused = refusal(log, rows, confidence) if log.no_ad.any() else ""
    chosen = _choose(table.filter(~pl.col("policy").is_in(PERSONAL)) if refused else table, confidence)
    reason = _reason(table, chosen, log.logged.value_kind)
    with part(0.98, 1):
        if chosen == LOGGED:
            policy = constrained_stand_in(log, epsilon, rules)
            own = policy_rows(log, policy, fitted)
            record = _record(policy.name, log, own, confidence)
            table = pl.concat([table, pl.DataFrame([record], schema=table.schema)])
            reason += _written_instead(table, log.logged.value_kind)
        else:
            final = fit_candidates(log, _informative(fitted, fitted.model.full), epsilon)
            policy = obeying(final, log, rules)[chosen]
            own = rows[chosen]
        obeyed = None
        if constraints and isinstance(policy, ConstrainedPolicy):
            obeyed = obeyed_table(policy, constraints, log, own.weight, confidence)
    return LearnedPolicy(
        policy,
        chosen,
        _sentences(ESTIMATED if log.estimated else "", refused, reason, _everyone(policy)),
        table.with_columns(chosen=pl.col("policy") == policy.name),
        log.encoder.columns,
        [*log.notes, *sample_notes(log, fitted.model)],
        log,
        fitted,
        obeyed,
    )


def with_frequency(
    impressions: pl.DataFrame, question: Question, constraints: Constraints | None
) -> tuple[pl.DataFrame, Question]:
    """A log, and what is asked of it, with what users were shown so far as context of a frequency cap."""
    if constraints is None or constraints.frequency_cap is None:
        return impressions, question
    found = with_impressions_so_far(impressions)
    wanted = [SO_FAR] if question.context and SO_FAR in found.columns else []
    return found, question._replace(context=tuple(dict.fromkeys([*question.context, *wanted])))


def _require_variation(log: PreparedLog) -> None:
    """Make sure that there is something to learn. Raises DataError if all rewards are the same."""
    reward, name = log.logged.reward, log.question.reward
    if not np.ptp(reward):
        said = f"no {name}" if not reward.any() else f"the same {name} in every row ({reward[0]:g})"
        raise DataError(f"The log has {said}: nothing tells one action from another.")


def _choose(table: pl.DataFrame, confidence: float) -> str:
    """The best, by value less its error, of the candidates that are better than the log's own; else that.

    A log says least about the sharpest policy: few clicks may carry its estimate, however clear it is. Where
    a softmax of the same scores is better, which more of them carry, its own difference is enough if clicks
    enough for the error of a mean carry it. It then stands before its softmaxes: their estimates are surer,
    but no evidence that they earn more.
    """
    clear = table.filter((pl.col("p_adjusted") <= 1 - confidence) & (pl.col("difference") > 0))
    better = clear.filter(pl.col("verdict") == BETTER)
    if better["policy"].is_in(list(SOFTENED)).any():
        thin = pl.col("policy").is_in([DIRECT, *SOFTENED]) & (pl.col("verdict") == NOT_ENOUGH)
        better = clear.filter((pl.col("verdict") == BETTER) | (thin & (pl.col("matched_clicks") >= FEWEST)))
    if DIRECT in better["policy"]:
        better = better.filter(~pl.col("policy").is_in(list(SOFTENED)))
    ranked = better.sort(pl.col("value") - pl.col("std_error"), descending=True)
    return LOGGED if ranked.is_empty() else str(ranked["policy"][0])


def _informative(fitted: FittedReward, model: RewardModel) -> RewardModel | None:
    return None if fitted.model.form == CONSTANT else model


def constrained_stand_in(log: PreparedLog, epsilon: float, rules: Rules | None) -> Policy:
    """What comes nearest to the logging policy and obeys the rules."""
    policy = stand_in(log, epsilon)
    return policy if rules is None else constrained(policy, log, rules)


class HeldOut(Mapping[str, PolicyRows]):
    """Each candidate against the log, every row by the one that did not see it: computed when asked for."""

    def __init__(
        self, log: PreparedLog, fitted: FittedReward, epsilon: float, rules: Rules | None = None
    ) -> None:
        self._log, self._fitted = log, fitted
        self._of_fold = []
        for held, model in steps(enumerate(fitted.model.folds)):
            seen = fitted.fold != held
            candidates = fit_candidates(log, _informative(fitted, model), epsilon, seen)
            self._of_fold.append(obeying(candidates, log.take(seen) if rules else log, rules))

    def __getitem__(self, name: str) -> PolicyRows:
        """The rows of one."""
        return policy_rows(self._log, [candidates[name] for candidates in self._of_fold], self._fitted)

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._of_fold[0])

    def __len__(self) -> int:
        """How many there are."""
        return len(self._of_fold[0])


def _value_table(log: PreparedLog, rows: HeldOut, confidence: float) -> pl.DataFrame:
    """One row per candidate, the log's own policy first."""
    records = [_logged_record(log, confidence)]
    records += [_record(name, log, rows[name], confidence) for name in steps(rows)]
    table = pl.DataFrame(records, infer_schema_length=None)
    adjusted = adjust(table["p_value"].fill_null(float("nan")).to_numpy(), "holm")
    return table.with_columns(p_adjusted=pl.Series(adjusted).fill_nan(None)).drop("p_value")


def _logged_record(log: PreparedLog, confidence: float) -> dict[str, object]:
    reward, ones = log.logged.reward, np.ones(log.logged.reward.size)
    found = diagnose(reward, ones, 0.0, log.logged.cluster)
    return {
        "policy": LOGGED,
        "value": float(reward.mean()),
        "std_error": std_error(reward, log.logged.cluster),
        "lower_bound": clustered_mean(reward, log.logged.cluster).interval(2 * confidence - 1).low,
        "difference": 0.0,
        "difference_low": None,
        "difference_high": None,
        "p_value": None,
        "effective_sample_size": found.effective_sample_size,
        "expected_clicks": found.expected_clicks,
        "matched_clicks": found.matched_clicks,
        "max_weight": 1.0,
        "verdict": None,
        "reason": "This is the policy that made the log.",
    }


def _record(name: str, log: PreparedLog, own: PolicyRows, confidence: float) -> dict[str, object]:
    """A candidate's value by `dr`, and the verdict on it."""
    logged = log.logged
    influence = dr(logged.reward, own.weight, own.q_logged, own.q_policy).influence
    residual = logged.reward - own.q_logged
    value = value_mean(influence, residual, own.weight, logged)
    gain = difference_mean(influence, residual, own.weight, logged)
    found = diagnose(logged.reward, own.weight, float(own.unsupported.mean()), logged.cluster)
    compared = Compared(gain.value, gain.interval(confidence), gain.error, float(logged.reward.mean()))
    verdict = judge(compared, found, Gates(), confidence, ValueKind("impression", logged.value_kind))
    return {
        "policy": name,
        "value": value.value,
        "std_error": std_error(influence, logged.cluster),
        "lower_bound": value.interval(2 * confidence - 1).low,
        "difference": gain.value,
        "difference_low": compared.interval.low,
        "difference_high": compared.interval.high,
        "p_value": gain.p_value(),
        "effective_sample_size": found.effective_sample_size,
        "expected_clicks": found.expected_clicks,
        "matched_clicks": found.matched_clicks,
        "max_weight": found.max_weight,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }


def _written_instead(table: pl.DataFrame, kind: str) -> str:
    """What the nearest to the log's policy that can be applied earns, in a sentence."""
    row = table.row(-1, named=True)
    value, bound = (plain(show(row[name], kind)) for name in ("value", "lower_bound"))
    return (
        f" What is written, '{row['policy']}', is the nearest to it that can be applied, and earns {value} "
        f"(lower confidence bound {bound})."
    )


def _reason(table: pl.DataFrame, chosen: str, kind: str) -> str:
    """Why the candidate was chosen, for a person."""
    logged = table.row(0, named=True)
    others = table.slice(1).sort("lower_bound", descending=True)
    learned = (others if chosen == LOGGED else others.filter(pl.col("policy") == chosen)).row(0, named=True)
    earned = {name: plain(show(row["value"], kind)) for name, row in (("ours", logged), ("its", learned))}
    ours = f"The policy that made this log earned {earned['ours']} per impression."
    if chosen == LOGGED:
        best = f"The best learned policy, '{learned['policy']}': {learned['verdict']}."
        return f"Not enough evidence to leave it. {ours} {best} {learned['reason']}"
    return (
        f"'{chosen}' earns {earned['its']} per impression on rows it did not see (lower confidence bound "
        f"{plain(show(learned['lower_bound'], kind))}). {ours} {_proof(table, learned)}"
    )


def _sentences(*said: str) -> str:
    return " ".join(filter(None, said))


def _everyone(policy: Policy) -> str:
    """What a policy shows everyone, in a sentence; nothing of a policy that tells contexts apart."""
    if not isinstance(policy, ScoredPolicy) or policy.encoder.columns:
        return ""
    best = policy.actions.frame.row(int(policy.model.bias.argmax()))
    return f"It shows {' · '.join(best)} to everyone."


def _proof(table: pl.DataFrame, chosen: dict[str, Any]) -> str:
    """What "better" rests on: the chosen policy's own difference, beside a softmax's where that is thin."""
    if chosen["verdict"] == BETTER:
        return str(chosen["reason"])
    soft = table.filter(pl.col("policy").is_in(list(SOFTENED)), pl.col("verdict") == BETTER).row(
        0, named=True
    )
    return (
        f"{chosen['reason']} Its difference is beyond chance all the same (p {chosen['p_adjusted']:.1g}): "
        f"more clicks carry the '{soft['policy']}' of the same scores. {soft['reason']}"
    )
