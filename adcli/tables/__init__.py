"""What files are, and how they are read, checked and written."""
