"""The command line: options in, a call to the part, a summary out."""
