"""What a run keeps of its input."""
