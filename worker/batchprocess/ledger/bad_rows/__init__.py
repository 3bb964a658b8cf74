"""Rows that were left out: what the finalizer does about them."""
