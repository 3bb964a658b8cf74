"""A pod's agent: its children, their seals, and the exit code."""
