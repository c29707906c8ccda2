"""Rates of a log, and who they differ between."""
