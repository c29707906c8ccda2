"""What a writer of ads learns from: ads that people wrote, their decisions, and clicks."""
