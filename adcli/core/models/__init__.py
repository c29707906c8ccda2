"""Models on disk: from a name to a folder, and what is read of it."""
