"""What user code subclasses and is handed."""
