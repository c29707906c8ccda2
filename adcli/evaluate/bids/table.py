"""What bidders would have bought, campaign by campaign and over all of them, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.bidding.auctions import Auctions, read_auctions
from adcli.bidding.bidders import replay_bidders
from adcli.bidding.learned import LearnedBidder
from adcli.bidding.prices import Prices, prices_of
from adcli.bidding.replay import Bidder, Replay, clairvoyant
from adcli.errors import DataError
from adcli.progress import steps
from adcli.statistics.intervals import NO_INTERVAL, Interval
from adcli.statistics.multiplicity import adjust
from adcli.statistics.verdicts import Verdict, decide

FEWEST_EPISODES = 20
SMALLEST_EFFECT = 0.1
CURVE_POINTS = 50
BOUND = "clairvoyant"


def bid_rows(
    auctions: Auctions, replays: Mapping[str, Replay], *, baseline: str, confidence: float
) -> pl.DataFrame:
    """One row per bidder: what it bought, and how its value differs from the baseline's over paired episodes.

    `ecpc` is cost per click, `ecpm` cost per thousand impressions, `spend_share` the part of the budget
    spent; `difference` is per episode. `predicted_value` sums the calibrated predictions of what was won; its
    share is that of the most predicted value that the budget could have bought, which the row of the
    clairvoyant states. p-values are Student's, not adjusted; `judged` does that.

    `auctions`: the auctions; `replays`: what each bidder won, "clairvoyant" is the bound; `baseline`: the
    bidder that the others are compared with. Raises DataError if the baseline is not among the bidders.
    """
    if baseline not in replays:
        raise DataError(f"The baseline '{baseline}' is not among the bidders: {', '.join(replays)}.")
    values = {
        name: np.bincount(auctions.episode, one.won * auctions.value, auctions.budget.size).astype(np.float64)
        for name, one in replays.items()
    }
    bound = values[BOUND].sum() if BOUND in values else np.nan
    predicted_bound = _most_predicted(auctions)
    rows = []
    for name, one in replays.items():
        difference = values[name] - values[baseline]
        interval, p_value = _paired(difference, confidence)
        predicted = predicted_bound if name == BOUND else float(one.won @ auctions.predicted_value)
        rows.append(
            {
                "bidder": name,
                **_bought(one, auctions),
                "value_per_episode": float(values[name].mean()),
                "difference": float(difference.mean()),
                "difference_low": interval.low,
                "difference_high": interval.high,
                "p_value": np.nan if name in (baseline, BOUND) else p_value,
                "share_of_bound": float(values[name].sum() / bound) if bound else np.nan,
                "predicted_value": predicted,
                "predicted_value_share": predicted / predicted_bound if predicted_bound else np.nan,
                "episodes": difference.size,
            }
        )
    return pl.DataFrame(rows)


def judged(rows: pl.DataFrame, baseline: str, confidence: float) -> pl.DataFrame:
    """Rows of one or several campaigns with their verdicts, each held against the number of comparisons."""
    adjusted = adjust(rows["p_value"].to_numpy(), "holm")
    comparisons = int(np.isfinite(adjusted).sum())
    rows = rows.with_columns(p_value=pl.Series(adjusted))
    verdicts = [_verdict(row, baseline, confidence, comparisons) for row in rows.to_dicts()]
    return rows.drop("episodes").with_columns(
        pl.selectors.float().fill_nan(None),
        verdict=pl.Series([one.verdict for one in verdicts], dtype=pl.String),
        reason=pl.Series([one.reason for one in verdicts], dtype=pl.String),
    )


def _most_predicted(auctions: Auctions) -> float:
    """The most calibrated predicted value that the budgets could have bought; NaN without predictions."""
    if np.isnan(auctions.predicted_value).any():
        return np.nan
    return float(
        clairvoyant(auctions._replace(value=auctions.predicted_value)).won @ auctions.predicted_value
    )


def _bought(one: Replay, auctions: Auctions) -> dict[str, float | None]:
    impressions = round(float(one.won.sum()))  # the bound may buy a part of an episode's last one
    clicks = None if np.isnan(auctions.click).any() else round(float(one.won @ auctions.click))
    cost = float(one.paid.sum())
    return {
        "impressions": impressions,
        "clicks": clicks,
        "cost": cost,
        "value": float(one.won @ auctions.value),
        "win_rate": impressions / auctions.price.size,
        "ecpc": cost / clicks if clicks else np.nan,
        "ecpm": 1000 * cost / impressions if impressions else np.nan,
        "spend_share": cost / float(auctions.budget.sum()),
    }


def _paired(differences: Floats, confidence: float) -> tuple[Interval, float]:
    """Student's interval of the mean difference over episodes, and the p-value that it is 0."""
    from scipy.stats import ttest_1samp

    if differences.size < 2:
        return NO_INTERVAL, np.nan
    if not np.ptp(differences):
        return Interval(*[float(differences[0])] * 2), np.nan
    test = ttest_1samp(differences, 0.0)
    return Interval(*map(float, test.confidence_interval(confidence))), float(test.pvalue)


def _verdict(row: dict[str, Any], baseline: str, confidence: float, comparisons: int) -> Verdict:
    if row["bidder"] == baseline:
        return Verdict("", "the baseline itself")
    if row["bidder"] == BOUND:
        return Verdict("", "a bound that knows the future, no bidder to choose")
    episodes, level = row["episodes"], row["value_per_episode"] - row["difference"]
    interval = Interval(row["difference_low"], row["difference_high"])
    return decide(
        row["difference"],
        interval,
        confidence=confidence,
        p_value=row["p_value"],
        comparisons=comparisons,
        smallest_effect=SMALLEST_EFFECT * level,
        caution=f"there are {episodes} episodes; at least {FEWEST_EPISODES} are needed to compare bidders"
        if episodes < FEWEST_EPISODES
        else "",
        enough=_enough(interval, episodes, level),
    )


def _enough(interval: Interval, episodes: int, level: float) -> str:
    """How many episodes would show the smallest effect of interest."""
    if not level:
        return ""
    needed = episodes * ((interval.high - interval.low) / (2 * SMALLEST_EFFECT * level)) ** 2
    return f"about {needed:,.0f} episodes would show {SMALLEST_EFFECT:.0%}"


def spend_curve(auctions: Auctions, replays: Mapping[str, Replay]) -> pl.DataFrame:
    """How the budget went over an episode: `bidder progress spend_share`, 50 points each.

    `progress` is the part of the episode's auctions seen, `spend_share` that of all budgets spent by then.
    """
    starts = auctions.starts
    place = np.arange(auctions.price.size) - starts[auctions.episode]
    progress = (place + 1) / np.diff(starts)[auctions.episode]
    bin_of = np.ceil(progress * CURVE_POINTS).astype(np.int64)
    points = np.linspace(0, 1, CURVE_POINTS + 1)
    spent = {
        name: np.cumsum(np.bincount(bin_of, one.paid, CURVE_POINTS + 1)) / auctions.budget.sum()
        for name, one in replays.items()
    }
    return pl.concat(
        pl.DataFrame({"progress": points, "spend_share": share}).select(
            "progress", pl.lit(name).alias("bidder"), "spend_share"
        )
        for name, share in spent.items()
    )


class BidValues(NamedTuple):
    """What bidders would have bought."""

    table: pl.DataFrame  # one row per campaign and bidder
    spend_curve: pl.DataFrame  # how the budget went over an episode (of all campaigns)


def evaluate_bids(
    frame: pl.DataFrame,
    *,
    bidders: Sequence[str] = ("mcpc", "linear", BOUND),
    baseline: str | None = None,
    prices: Mapping[str, Prices] | None = None,
    budget_shares: Mapping[str, float] | float = 1 / 32,
    value: str = "click",
    episode: str | int = "episode",
    learned: Mapping[str, Mapping[str, LearnedBidder]] | None = None,
    first_price: bool = False,
    confidence: float = 0.95,
) -> BidValues:
    """What bidders would have bought in a table of auctions, campaign by campaign.

    The table has the columns of `bid_rows`, `verdict reason`, then `campaign_id`; where there are
    several campaigns, the rows of `campaign_id` "all" come first.

    Args:
        frame: The auctions; see `read_auctions`.
        bidders: Names that `replay_bidders` knows, or of `learned`.
        baseline: The bidder that the others are compared with; the first unless named.
        prices: What impressions and clicks cost each campaign before; its own auctions say so unless given.
        budget_shares: The budget of an episode, as a share of what all its impressions would cost at the
            mean price; one for all, or one for each campaign.
        value: The column that says what winning is worth.
        episode: The column that numbers the episodes, or how many auctions make one.
        learned: Learned bidders by the names they go by among `bidders`, and by campaign; one that was
            learned without campaigns serves all.
        first_price: Whether a won auction costs the bid.
        confidence: Of the intervals.

    Raises:
        UsageError: If a bidder is not known.
        DataError: If there are no auctions, or a column is missing or holds anything but amounts.
    """
    if frame.is_empty():
        raise DataError("There are no auctions.")
    compared = baseline or bidders[0]
    named = "campaign_id" in frame.columns
    campaigns = (
        frame.partition_by("campaign_id", as_dict=True, maintain_order=True) if named else {("",): frame}
    )
    played = {
        str(name): _play(
            part,
            bidders,
            (prices or {}).get(str(name)),
            budget_shares if isinstance(budget_shares, float | int) else budget_shares[str(name)],
            value,
            episode,
            {own: _of_campaign(own, of, str(name)) for own, of in (learned or {}).items()},
            first_price,
        )
        for (name,), part in steps(campaigns.items(), [part.height for part in campaigns.values()])
    }
    together = _together(list(played.values()))
    parts = ({"all": together} if len(played) > 1 else {}) | played
    tables = [
        bid_rows(auctions, replays, baseline=compared, confidence=confidence).with_columns(
            campaign_id=pl.lit(name or "all", dtype=pl.String)
        )
        for name, (auctions, replays) in parts.items()
    ]
    table = judged(pl.concat(tables), compared, confidence)
    return BidValues(table.select(pl.exclude("campaign_id"), "campaign_id"), spend_curve(*together))


def _of_campaign(name: str, learned: Mapping[str, LearnedBidder], campaign: str) -> Bidder:
    own = learned.get(campaign) or (next(iter(learned.values())) if list(learned) == [""] else None)
    if own is None:
        known = ", ".join(list(learned)[:12])
        raise DataError(
            f"The bidder {name} was not learned for the campaign '{campaign}', but for {known}.",
            fix="Learn it from a log of all campaigns, or take one with --campaign.",
        )
    return own.bidder()


def _play(
    part: pl.DataFrame,
    bidders: Sequence[str],
    prices: Prices | None,
    share: float,
    value: str,
    episode: str | int,
    learned: Mapping[str, Bidder],
    first_price: bool,
) -> tuple[Auctions, dict[str, Replay]]:
    known = prices or prices_of(read_auctions(part, budget_per_auction=1, value=value, episode=episode))
    auctions = read_auctions(
        part, budget_per_auction=known.per_impression * share, value=value, episode=episode
    )
    return auctions, replay_bidders(auctions, bidders, known, learned=learned, first_price=first_price)


def _together(played: Sequence[tuple[Auctions, Mapping[str, Replay]]]) -> tuple[Auctions, dict[str, Replay]]:
    """Several campaigns' auctions and replays as one."""
    before = np.cumsum([0, *(auctions.budget.size for auctions, _ in played)])
    moved = [
        auctions._replace(episode=auctions.episode + start)
        for (auctions, _), start in zip(played, before[:-1], strict=True)
    ]
    joined = Auctions(*(np.concatenate(column) for column in zip(*moved, strict=True)))
    replays = {
        name: Replay(
            *(np.concatenate(column) for column in zip(*(own[name] for _, own in played), strict=True))
        )
        for name in played[0][1]
    }
    return joined, replays
