"""Metric reducers, and their values over all shards."""
