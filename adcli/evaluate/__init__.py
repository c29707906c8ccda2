"""What it earned, and how sure we are."""
