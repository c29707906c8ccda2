"""What a writer is trained for: to write like given texts, to prefer some to others, to earn a reward."""
