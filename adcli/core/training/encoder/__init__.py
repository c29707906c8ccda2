"""What an encoder is trained for: its examples, objectives and evaluations."""
