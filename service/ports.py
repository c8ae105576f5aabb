"""Ports that are to be listened on."""

import socket

__all__ = ["port_problem"]


def port_problem(host: str, port: int) -> str:
    """Say why an address can't be listened on; empty when it can.

    Servers that share ports would share one with another service, unasked.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            return error.strerror or str(error)
    return ""
