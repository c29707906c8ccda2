"""How good predicted probabilities are."""
