"""Which objects a reader reads: found, kept in a file, and shared by all attempts of a run."""
