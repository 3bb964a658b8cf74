"""What a job's status tells people and tools. Pure."""
