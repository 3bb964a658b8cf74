"""Numbers, ids and places of rows, and rows as tables: what all readers have in common."""
