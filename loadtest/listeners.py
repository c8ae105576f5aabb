"""Which process of this machine listens on a port."""

import socket
from collections.abc import Iterator
from pathlib import Path

__all__ = ["listener"]

LISTEN = "0A"


def listener(host: str | None, port: int) -> int | None:
    """Return the first process of the server at an address; None where it can't be seen.

    That is the one which the others that hold its socket were started by. None: the host is another
    machine, the server belongs to another user, or lives in another container.
    """
    if not _is_here(host):
        return None
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    holders = {pid for pid, held in _held() if held in sockets}
    first = {_parent(pid) if _is_worker(pid) else pid for pid in holders}
    first = {pid for pid in first if _parent(pid) not in first}
    return first.pop() if len(first) == 1 else None


def _is_here(host: str | None) -> bool:
    """Whether a host's address is one of this machine's: one can be bound to."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


def _inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        file = Path(f"/proc/net/{table}")
        for line in file.read_text().splitlines()[1:] if file.exists() else ():
            fields = line.split()
            if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _held() -> Iterator[tuple[int, str]]:
    """Return what the descriptors of the processes that may be looked at point to."""
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                links = [str(each.readlink()) for each in (process / "fd").iterdir()]
            except OSError:
                continue
            yield from ((int(process.name), link) for link in links)


def _is_worker(pid: int) -> bool:
    """Whether Python's multiprocessing started it."""
    return b"--multiprocessing-fork" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
