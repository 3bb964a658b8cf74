"""Going on where a row cannot be read or processed: without it."""
