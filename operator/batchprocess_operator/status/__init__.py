"""What a job's status says to people and tools. Pure."""
