"""The read-only page: jobs as the operator has them in memory, for whoever may read them."""
