"""What users do over time."""
