"""The formats of `context.save`: one writer each, and what their files can hold."""
