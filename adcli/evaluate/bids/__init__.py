"""What bid policies would have bought."""
