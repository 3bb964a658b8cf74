"""Reading on where a row cannot be read: without it."""
