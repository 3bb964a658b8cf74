"""From the user's dataset to batches on the device, ahead of their turn."""
