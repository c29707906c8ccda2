"""Semantic roles: who does what to whom, with what, when and why, read by an encoder."""
