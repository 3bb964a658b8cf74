"""Batches that no loader reads, for none of their rows is wanted."""
