"""How well a score ranks units by what a treatment does to them."""
