"""A feature store on this machine that speaks the protocol of Vertex AI, both generations of it.

Every project, location and store holds the same tables. There is no TLS and there are no accounts.
"""

from collections.abc import Mapping

import grpc
import grpc.aio

from featurestore.vertex.conduct import Conduct
from featurestore.vertex.emulated_current import CurrentService
from featurestore.vertex.emulated_legacy import LegacyService
from featurestore.vertex.tablefile import Table

__all__ = ["Emulator"]

OPTIONS = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1))


class Emulator:
    """A gRPC server of tables; belongs to the event loop in which it is started.

    Parameters
    ----------
    tables : mapping of str to Table
        By the id of an entity type, which is that of a feature view too.
    conduct : Conduct
        How it behaves; may be changed while it serves.
    streaming : bool
        Whether it has the streaming call of feature views.

    Attributes
    ----------
    port : int
        Where it listens, 0 before it does.
    """

    def __init__(
        self,
        tables: Mapping[str, Table],
        conduct: Conduct | None = None,
        *,
        streaming: bool = True,
    ) -> None:
        self.conduct = conduct or Conduct()
        self.port = 0
        self._legacy = LegacyService(tables, self.conduct)
        self._current = CurrentService(tables, self.conduct, streaming)
        self._server: grpc.aio.Server | None = None

    @property
    def calls(self) -> int:
        """How many calls came in."""
        return self._legacy.traffic.calls + self._current.traffic.calls

    @property
    def in_flight(self) -> int:
        """How many calls are under way."""
        return self._legacy.traffic.in_flight + self._current.traffic.in_flight

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen on a port, or on any free one.

        Raises
        ------
        OSError
            The port is taken.
        """
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers((*self._legacy.handlers(), *self._current.handlers()))
        try:
            self.port = server.add_insecure_port(f"{_bracketed(host)}:{port}")
        except RuntimeError as error:
            raise OSError(f"can't listen on {host}:{port}: {error}") from error
        await server.start()
        self._server = server

    async def stop(self, grace_s: float = 1.0) -> None:
        """Stop listening, and cut calls that have not ended after some seconds.

        Tasks of calls that were cut may outlive this, and those of calls that ended don't.
        """
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop(grace_s)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
