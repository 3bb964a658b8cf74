"""What is made from the models: CRD, editor schema, reference page."""
