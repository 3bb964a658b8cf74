"""What a reader knows of its input before any row is read: which objects, and where rows begin."""
