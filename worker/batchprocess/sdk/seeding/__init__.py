"""Random numbers of user code: from the run's seeds, the same in every attempt."""
