"""Auctions, bidders and their replay: what learning to bid and judging bids share."""
