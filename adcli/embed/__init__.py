"""From texts and behaviour to vectors and profiles."""
