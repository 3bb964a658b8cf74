"""Files that are packed by gzip or Zstandard, read as if they were not."""
