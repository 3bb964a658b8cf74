"""Telling others how a job fares: what it asks for, and what its status keeps of it."""
