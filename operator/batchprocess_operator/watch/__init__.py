"""What the API server is watched and asked for: watches, their cache, full listings."""
