"""Objects that a run reads: listed once, and read as they were then."""
