"""Measures the Beta sampler beside its peers: `python -m loadtest.sampler`."""
