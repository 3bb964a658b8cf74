"""What the agent and a person hear of an attempt."""
