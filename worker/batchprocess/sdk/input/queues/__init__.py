"""What loader workers and we send each other: small messages at once, large tensors in slots."""
