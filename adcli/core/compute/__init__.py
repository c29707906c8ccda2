"""What makes a forward pass fast: batches without padding, prepacked products, precision, workers."""
