"""Texts to vectors: the BERT family, pooling, and the store of what was computed before."""
