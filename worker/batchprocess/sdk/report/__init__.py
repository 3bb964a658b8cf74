"""What is reported of an attempt, to the agent and to a person."""
