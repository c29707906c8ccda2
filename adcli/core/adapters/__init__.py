"""Small sets of weights that turn a model to a shop's own data."""
