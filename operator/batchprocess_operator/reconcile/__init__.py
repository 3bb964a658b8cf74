"""From what is observed of a job to a plan. Pure."""
