"""The models: the only place that knows transformers and Accelerate."""

import os

# Read when torch is imported. oneDNN keeps 1,024 compiled products by default, one for each shape, and torch
# as many again: hundreds of megabytes more, and no faster.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
os.environ.setdefault("LRU_CACHE_CAPACITY", "32")
