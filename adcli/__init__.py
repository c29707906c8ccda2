"""adcli: an online shop's raw logs turned into a tested advertising policy."""

__version__ = "0.1.0"
