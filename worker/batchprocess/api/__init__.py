"""The BatchProcessJob object: one source for validation, CRD, JSON Schema and reference page."""
