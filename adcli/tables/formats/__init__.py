"""How rows stand in files: recognised by content, read block by block."""
