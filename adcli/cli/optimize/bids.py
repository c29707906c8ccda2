"""`adcli optimize bids`."""

from __future__ import annotations

import typer

from adcli.cli.bidding import (
    Bidding,
    asked_auctions,
    budget_shares,
    campaigns_of,
    earlier_prices,
    episodes,
    limits_of,
    say_what_is_estimated,
)
from adcli.cli.command import command
from adcli.cli.options import Inputs
from adcli.cli.run import Run


@command
def bids(
    bidding: Bidding,
    run: Run,
    inputs: Inputs = None,
    bidder: str = typer.Option(
        "auto",
        help="auto (pacer or dp, by replay of the log), pacer (receding horizon), dp (dynamic program of "
        "short episodes), or a baseline: linear, mcpc, dual (descent), pid.",
    ),
    max_bid: float | None = typer.Option(None, help="Highest bid."),
    target_cpa: float | None = typer.Option(
        None,
        help="What a unit of the value may cost on average over an episode, by its calibrated prediction.",
    ),
    target_roas: float | None = typer.Option(
        None, help="What each unit of cost must return on average over an episode; the value is money."
    ),
) -> None:
    """Learn what to bid from logged auctions with their predicted clicks.

    A log states the market price, or what was bid and whether it won.

    \b
    Examples:
      adcli optimize bids auctions.parquet -o bidder
      adcli optimize bids auctions.csv.gz --episode 1000 --budget-share 0.03125 -o bidder
      adcli optimize bids bids.parquet --price first --map won=is_win -o bidder
      adcli optimize bids auctions.parquet --prediction pctr*pcvr --value conversion --target-cpa 20 -o bidder
      adcli evaluate bids auctions_later.parquet --bidder bidder --episode 1000
    """
    from adcli.bidding.auctions import unstated_prices
    from adcli.bidding.learned import save_bidders
    from adcli.optimize.bid_learning import learn_bidders

    folder = run.directory()
    limits = limits_of(max_bid, target_cpa, target_roas)
    needs = ["pctr"] if bidding.prediction == "pctr" else []
    frame = asked_auctions(run, run.read(inputs, tables=["auctions"], needs=needs), bidding)
    campaigns = campaigns_of(frame)
    shares = budget_shares(bidding.budget_share, campaigns)
    value_column = run.column(bidding.value)
    with run.step("learn"):
        learned = learn_bidders(
            frame,
            bidder=bidder,
            prices=earlier_prices(bidding.totals, campaigns),
            budget_shares=shares,
            value=value_column,
            episode=episodes(run, bidding.episode),
            first_price=bidding.price == "first",
            limits=limits,
        )
    say_what_is_estimated(run, frame, value_column)
    about = {
        "value": bidding.value,
        "price": bidding.price,
        "prices_drawn": unstated_prices(frame),
        "budget_shares": shares,
        "shared_budget": bidding.shared_budget,
        "predicted_value_shares": {name: one.shares for name, one in learned.items()},
        "learned_from": [record._asdict() for record in run.input_records()],
    }
    chosen = {name: one.chosen._replace(prediction=bidding.prediction) for name, one in learned.items()}
    save_bidders(chosen, folder, about)
    for name, one in learned.items():
        shown = ", ".join(
            f"{kind} {share:.3f}" for kind, share in sorted(one.shares.items(), key=lambda pair: -pair[1])
        )
        run.note(
            f"{f'Campaign {name}' if name else 'Bidder'}: {one.chosen.kind}. Share of the clairvoyant's "
            f"predicted value in a replay of the log: {shown}. A predicted click was worth "
            f"{one.chosen.market.value_per_pctr:.3g}."
        )
