"""Before anything runs: our placement, the settings, and the dataset's shape."""
