"""What a reward model is made of: regressions of unlike kinds, each fitted by itself."""
