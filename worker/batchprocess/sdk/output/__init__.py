"""From what user code hands over to files, records and commits."""
