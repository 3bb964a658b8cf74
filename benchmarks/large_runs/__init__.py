"""Runs of many shards, files and batches: how long and how much memory they take."""
