"""The endpoint's connections: which are let in, which stay, and when they end."""
