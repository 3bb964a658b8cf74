"""What a plan wants done is done here."""
