"""Statistics that verbs share: intervals, multiplicity, and the one decision that words a verdict."""
