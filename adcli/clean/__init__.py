"""From raw logs to the standard tables."""
