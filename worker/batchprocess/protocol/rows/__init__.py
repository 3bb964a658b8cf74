"""Which rows of the dataset a run processes."""
