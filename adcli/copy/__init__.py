"""What a shop's words say: product texts, their facts, and the claims an ad makes."""
