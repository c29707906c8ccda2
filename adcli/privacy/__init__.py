"""What protects the people in a table: pseudonyms, masks, truncated addresses, k-anonymity, erasure."""
