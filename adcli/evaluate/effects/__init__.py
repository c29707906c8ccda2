"""The difference of two arms on one kind of metric, with its interval."""
