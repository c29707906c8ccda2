"""Who sees what, where, when and at which bid."""
