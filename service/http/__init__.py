"""HTTP/1.1 for an ASGI application, in the thread that answers."""

from service.http.worker import run_worker

__all__ = ["run_worker"]
