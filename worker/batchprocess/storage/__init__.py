"""Where outputs and ledgers live: S3-compatible stores and local directories, one protocol."""
