"""The standard tables, and how columns of any source become theirs."""
