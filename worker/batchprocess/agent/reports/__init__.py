"""Progress reports to the operator, which never hold up the work."""
