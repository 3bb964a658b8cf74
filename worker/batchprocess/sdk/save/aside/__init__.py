"""Rows of batches that are under way beside others: kept until it is their turn."""
