"""Devices, their memory, and models made ready for them."""
