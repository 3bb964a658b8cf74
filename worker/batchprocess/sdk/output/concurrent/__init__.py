"""What batches that run beside one another hand over: each for itself, until it counts."""
