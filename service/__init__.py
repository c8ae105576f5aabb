"""The ASGI application, its configuration and its launcher."""
