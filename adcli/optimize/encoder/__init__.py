"""What an encoder can learn from a shop's data, what it is tested on, and what to label next."""
