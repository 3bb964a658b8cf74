"""From objects of the API server to values. Pure."""
