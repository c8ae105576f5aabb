"""The endpoint of GET /metrics."""

from prometheus_client.exposition import choose_encoder
from starlette.types import Receive, Scope, Send

from service.errors import STATUS_OK
from service.metrics.figures import Figures
from service.reply import reply

__all__ = ["Metrics"]


class Metrics:
    """Prometheus' text format, or OpenMetrics for a scraper that accepts it."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a scrape."""
        total = await self._figures.total()
        accepted = [value for name, value in scope["headers"] if name == b"accept"]
        try:
            render, media_type = choose_encoder(b",".join(accepted).decode("latin-1"))
        except (TypeError, ValueError):  # of a version that is no version
            render, media_type = choose_encoder("")
        await reply(send, STATUS_OK, [(b"content-type", media_type.encode())], render(total))
