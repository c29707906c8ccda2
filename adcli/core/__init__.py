"""The models: the only place that knows transformers and Accelerate."""
