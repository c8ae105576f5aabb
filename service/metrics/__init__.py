"""GET /metrics: the figures of all workers of a node, in the formats that Prometheus reads."""

from service.metrics.endpoint import Metrics
from service.metrics.figures import Figures
from service.metrics.folder import figures_folder

__all__ = ["Figures", "Metrics", "figures_folder"]
