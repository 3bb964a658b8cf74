"""What pods of a job have in common, whoever makes them: workers, the finalizer, a plan."""
