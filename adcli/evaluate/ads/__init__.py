"""What ads are worth before they run."""
