"""What the API server tells and is asked: watches, their cache, full looks."""
