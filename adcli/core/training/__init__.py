"""The training loop, and what an encoder is trained for."""
