"""The version of this package, for what is written into runs."""

__version__ = "0.1.0"
