"""The page of `optimize policy`: what was chosen, whom it serves what, and how sure that is."""

from __future__ import annotations

from typing import Final

import polars as pl

from adcli.numbers import counted, difference_kind, in_currency, show
from adcli.optimize.policy_learning import LOGGED, LearnedPolicy
from adcli.optimize.policy_serving import EVERYONE, deciding_features, reward_calibration, serving_table
from adcli.report import Page, Passage, Plot, Table, interval_plot, reliability_plot
from adcli.statistics.verdicts import BETTER, NOT_ENOUGH, Verdict

MOST_ACTIONS: Final = 5  # of a group, in its table
MOST_NAMED: Final = 2  # of a group, in its sentence
MOST_CONTEXTS: Final = 4
FEWEST_MOVED: Final = 0.05  # share of the impressions that a context's groups are served otherwise
METHOD: Final = (
    Passage(
        "Candidates",
        "`direct method`: the action of the greatest expected reward. `softmax`: of the same scores, at a "
        "temperature in deviations of them; the log says more of it. `best action`: one for everyone. "
        "`logged`: the policy that made the log.",
    ),
    Passage(
        "Choice",
        "Each candidate is learned without a fold of the users and valued on it, by DR (Dudík et al., 2011). "
        "Of those that are better than the log's policy, with p-values adjusted for their number (Holm, "
        "1979), the one of the greatest value less its standard error is chosen, `direct method` before its "
        "softmaxes, and learned again on all rows. Of a sharp policy whose difference is as clear but "
        "carried by few clicks, 20 at least, a better softmax of the same scores is taken for the missing "
        "ones. ESS is (Σw)² / Σw² of the weights.",
    ),
    Passage(
        "Reward model",
        "A stack of regressions: random effects of context and action, with and without products of two "
        "numbers of the context (variances by marginal likelihood; MacKay, 1992), boosted trees, a two-tower "
        "network; with weights by their loss on rows they did not see (Breiman, 1996), none for those that "
        "do not help. Each row is predicted by the model that did not see it. "
        "Normalised entropy is the loss over that of the mean reward alone; 1 is no better. Calibration "
        "error is the mean distance of predicted and observed rewards over tenths of the rows, over the mean "
        "reward.",
    ),
)


CONSTRAINTS: Final = Passage(
    "Constraints",
    "Shares, spending and what it brings are limits on averages: linear programs (Dantzig and Wolfe, 1960, "
    "by HiGHS) price them on a sample of the log, and the policy pays these prices; expected costs are each "
    "action's mean in the log. `adcli optimize apply` closes, before each draw, what would break a limit by "
    "the last decision, and writes the probability that was left.",
)


def policy_page(learned: LearnedPolicy, *, confidence: float, currency: str = "") -> Page:
    """The page of a learned policy.

    `learned`: the policy; `confidence`: of the intervals; `currency`: of a reward that is money, where it is
    known.
    """
    log, reward = learned.log, learned.log.question.reward
    kind = in_currency("money", currency) if reward == "revenue" else log.logged.value_kind
    serving = serving_table(log, learned.policy, learned.fitted)
    calibration = reward_calibration(log, learned.fitted, confidence)
    model = learned.reward_model
    return Page(
        title="Policy for revenue" if reward == "revenue" else f"Policy for {reward}s",
        verdicts=[answer_of(learned), _how_sure(learned), *_groups_served(serving)],
        tables=[
            _candidates(learned, kind, confidence),
            *_obeyed(learned, confidence),
            *_deciding(learned),
            *_served(serving, kind),
        ],
        plots=[_differences(learned, kind, confidence), *_calibration(calibration, kind)],
        method=[
            *METHOD,
            *([CONSTRAINTS] if learned.obeyed is not None else []),
            Passage(
                "What it reads",
                f"Context: {', '.join(learned.context) or 'none'}. "
                f"Reward model: {model.form}; normalised entropy {show(model.normalised_entropy)}, "
                f"calibration error {show(model.calibration_error)}.",
            ),
        ],
        data_notes=learned.notes,
    )


def answer_of(learned: LearnedPolicy) -> Verdict:
    """What was chosen, and why."""
    unproven = learned.chosen == LOGGED or learned.log.estimated
    return Verdict(NOT_ENOUGH if unproven else BETTER, sentence=learned.reason)


def _how_sure(learned: LearnedPolicy) -> Verdict:
    """What the value of the policy chosen, or else of the best of the others, rests on."""
    others = learned.candidates.filter(pl.col("policy") != LOGGED)
    chosen = others.filter("chosen") if others["chosen"].any() else others.sort("lower_bound").tail(1)
    row = chosen.row(0, named=True)
    said = (
        f"How sure: the value of '{row['policy']}' rests on {row['matched_clicks']:,.0f} rewards and an "
        f"effective {row['effective_sample_size']:,.0f} of {learned.log.impressions.height:,} impressions."
    )
    return Verdict("", sentence=said, subject="How sure:")


def _candidates(learned: LearnedPolicy, kind: str, confidence: float) -> Table:
    shown = learned.candidates.select(
        "policy", "value", "lower_bound", "difference", "difference_low", "difference_high", "p_adjusted",
        "effective_sample_size", "matched_clicks", "max_weight", "verdict", "chosen",
    )  # fmt: skip
    kinds = {"value": kind, "lower_bound": kind, "difference": difference_kind(kind)}
    note = (
        f"Valued by DR on rows that they did not see; differences are to the log, with "
        f"{confidence:.0%} intervals."
    )
    return Table("What was chosen", shown.rename({"effective_sample_size": "ESS"}), kinds, note=note)


def _obeyed(learned: LearnedPolicy, confidence: float) -> list[Table]:
    """What became of each constraint."""
    if learned.obeyed is None:
        return []
    note = f"By the log, on rows it was not learned from, with {confidence:.0%} intervals."
    return [Table("What it obeys", learned.obeyed, note=note)]


def _deciding(learned: LearnedPolicy) -> list[Table]:
    """What moves the score of the action chosen against that of the next best; nothing of a table."""
    telling = deciding_features(learned.policy, learned.log.impressions)
    if telling.is_empty():
        return []
    note = (
        "Mean size of what each column of context adds to the score of the action chosen over the next best."
    )
    return [Table("What decides", telling, note=note)]


def _served(serving: pl.DataFrame, kind: str) -> list[Table]:
    """A table for each context that the policy tells apart most."""
    kinds = {"share": "rate", "logged_share": "rate", "expected_reward": kind}
    tables = []
    for context in [EVERYONE, *_telling_contexts(serving)]:
        rows = serving.filter(pl.col("context") == context)
        most = rows.group_by("group", maintain_order=True).head(MOST_ACTIONS)
        left_out = counted(rows["action"].n_unique(), "action")
        title = "What everyone is served" if context == EVERYONE else f"Who is served what, by {context}"
        shown = most.select("group", "rows", "action", "share", "logged_share", "expected_reward")
        if context == EVERYONE:
            shown = shown.drop("group", "rows")
        if shown["expected_reward"].is_null().all():
            shown = shown.drop("expected_reward")
        note = f"The {MOST_ACTIONS} of {left_out} that are shown most." if rows.height > most.height else ""
        tables.append(Table(title, shown, kinds, note=note))
    return tables


def _telling_contexts(serving: pl.DataFrame) -> list[str]:
    """The columns of context whose groups are served otherwise than everyone, the most telling first."""
    everyone = serving.filter(pl.col("context") == EVERYONE).select("action", whole="share")
    apart = (
        serving.filter(pl.col("context") != EVERYONE)
        .join(everyone, on="action")
        .group_by("context", maintain_order=True)
        .agg(moved=((pl.col("share") - pl.col("whole")).abs() * pl.col("rows")).sum() / pl.col("rows").sum())
        .filter(pl.col("moved") * everyone.height / 2 >= FEWEST_MOVED)
    )
    return apart.sort("moved", descending=True, maintain_order=True)["context"].head(MOST_CONTEXTS).to_list()


def _groups_served(serving: pl.DataFrame) -> list[Verdict]:
    """A line on each group of the context that matters most, or on everyone."""
    context = next(iter(_telling_contexts(serving)), EVERYONE)
    rows = serving.filter(pl.col("context") == context)
    lines = []
    for (group,), part in rows.group_by("group", maintain_order=True):
        subject = "Everyone" if context == EVERYONE else f"{context} {group}"
        shown = ", ".join(
            f"{row['action']} {show(row['share'], 'rate')} (the log {show(row['logged_share'], 'rate')})"
            for row in part.head(MOST_NAMED).to_dicts()
        )
        lines.append(Verdict("", sentence=f"{subject}: {shown}.", subject=f"{subject}:"))
    return lines


def _differences(learned: LearnedPolicy, kind: str, confidence: float) -> Plot:
    return interval_plot(
        "candidates",
        f"Difference to the log per impression, {show(confidence, 'rate')} intervals",
        learned.candidates,
        "difference",
        label="policy",
        axis="Difference per impression",
        kind=difference_kind(kind),
        reference=0.0,
        reference_label="as in the log",
    )


def _calibration(calibration: pl.DataFrame, kind: str) -> list[Plot]:
    """Whether expected rewards come true; of rewards that are rates."""
    if kind != "rate" or calibration.height < 2:
        return []
    return [
        reliability_plot(
            "calibration",
            "Observed against expected reward of what was shown",
            calibration,
            x_axis="Expected rate",
        )
    ]
