"""Pages of docs/reference that are made from signatures, docstrings and commands."""
