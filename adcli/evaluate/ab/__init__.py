"""A/B tests: arms against a control, planned, watched and told in words."""
