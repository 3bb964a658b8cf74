"""The API server: who we are there, requests, answers as our own errors."""
