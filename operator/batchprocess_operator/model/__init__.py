"""The operator's values and names. No I/O, and nothing is decided here."""
