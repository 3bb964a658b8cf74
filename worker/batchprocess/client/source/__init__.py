"""A folder of code as the ConfigMap of a job."""
