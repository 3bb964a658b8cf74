"""What a job's pods have written, as one text."""
