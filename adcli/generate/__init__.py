"""From product texts to ad copy."""
