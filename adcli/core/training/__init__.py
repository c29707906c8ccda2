"""One training loop for every kind of model, and tuning a model into an adapter by it."""
