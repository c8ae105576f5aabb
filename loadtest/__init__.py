"""Measures the service as a stranger would: over HTTP, from processes of its own."""
