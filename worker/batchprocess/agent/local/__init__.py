"""A job on one machine: agents as a cluster's pods would be."""
