"""Prompts to texts: the GPT-2 and Llama families, decoding and sampling."""
