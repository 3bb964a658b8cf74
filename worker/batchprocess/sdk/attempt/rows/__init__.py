"""Which rows of the dataset an attempt processes."""
