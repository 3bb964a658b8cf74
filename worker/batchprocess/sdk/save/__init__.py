"""`context.save`: results become files behind the loop."""
