"""The `batchprocess` command."""
