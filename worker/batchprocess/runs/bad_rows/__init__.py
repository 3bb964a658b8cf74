"""Rows that were left out of a run, read from what its records name."""
