"""What of a run its tables take, beside records that name their files."""
