"""Where the budget goes: the response of each campaign to its spend, and the plan that follows."""
