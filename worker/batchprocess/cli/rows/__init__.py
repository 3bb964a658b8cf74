"""Which files and rows of a job's dataset a command is asked for."""
