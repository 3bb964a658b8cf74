"""The loop around reconcile, and its queue."""
