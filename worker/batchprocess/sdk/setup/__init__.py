"""Before anything runs: where we stand, what was asked for, and what the dataset is."""
