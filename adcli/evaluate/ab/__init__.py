"""A/B tests: arms against a control, planned, monitored and put into words."""
