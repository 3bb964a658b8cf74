"""Runs over a list of the dataset's rows."""
