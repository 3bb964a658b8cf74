"""Running `plan` in a pod: what a job would do, where it would do it."""
