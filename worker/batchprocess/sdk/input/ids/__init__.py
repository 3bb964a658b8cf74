"""Ids that come with the batches whose rows they name."""
