"""Catalogues: all arms of a model, resident, so that a request need not list them."""
