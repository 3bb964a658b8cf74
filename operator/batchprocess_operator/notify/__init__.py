"""Delivering messages about jobs to destinations that the platform has set up."""
