"""Whole runs: performing the ledger's flows on a storage, finding runs, reading their results."""
