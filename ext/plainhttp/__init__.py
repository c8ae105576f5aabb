"""What is usual in HTTP/1.1, read and written in one pass and begun without a task."""

from ._core import answer, begin, read_request, server_timing

__all__ = ["answer", "begin", "read_request", "server_timing"]
