"""What attempts of a run share of its input, by create-only writes."""
