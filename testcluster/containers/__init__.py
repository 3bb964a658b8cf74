"""Images without a daemon or a registry, and what every container sees."""
