"""The proxy that makes faults, in front of a real server."""

import asyncio
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.featurestore.faults.leaks import connections_gone, nothing_left, open_files
from tests.featurestore.faults.modes import (
    Cut,
    Delay,
    Drip,
    Garbage,
    Mode,
    Pass,
    Place,
    Reset,
    Stall,
    Strand,
)
from tests.featurestore.faults.proxy import Proxy

HARMS = [Cut(), Stall(), Drip(), Reset(), Reset(in_reply=True), Delay(0.05, 0.05)]
HARMS += [Garbage(place) for place in Place]


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            while data := self.request.recv(65_536):
                self.request.sendall(data)
        except ConnectionError:
            pass


class EchoServer(socketserver.ThreadingTCPServer):
    request_queue_size = 1024
    daemon_threads = True
    block_on_close = False


class UnixEchoServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


@pytest.fixture
def echo() -> Iterator[int]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    with Proxy("127.0.0.1", echo) as running:
        yield running


def connect(proxy: Proxy, timeout_s: float = 10) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout_s)


def receive(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := client.recv(size - len(data))):
        data += more
    return data


def says(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    return receive(client, len(words))


def silent(client: socket.socket, seconds: float = 0.1) -> bool:
    before = client.gettimeout()
    client.settimeout(seconds)
    try:
        client.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        client.settimeout(before)
    return False


def settle(proxy: Proxy, open_: int) -> None:
    deadline = time.monotonic() + 5
    while proxy.open != open_:
        assert time.monotonic() < deadline, f"{proxy.open} are open, not {open_}"
        time.sleep(0.005)


def test_everything_goes_through_both_ways(proxy: Proxy) -> None:
    whole = bytes(range(256)) * 16_384
    with connect(proxy) as client:
        sender = threading.Thread(target=client.sendall, args=[whole])
        sender.start()
        assert receive(client, len(whole)) == whole
        sender.join()


def test_a_unix_socket_can_be_the_target(tmp_path: Path) -> None:
    path = str(tmp_path / "echo")
    with UnixEchoServer(path, Echo) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        with Proxy(path) as proxy, connect(proxy) as client:
            assert says(client, b"hello") == b"hello"
        server.shutdown()


def test_connections_are_counted(proxy: Proxy) -> None:
    clients = [connect(proxy) for _ in range(3)]
    settle(proxy, 3)
    clients.pop().close()
    settle(proxy, 2)
    assert (proxy.opened, proxy.closed) == (3, 1)
    for client in clients:
        client.close()
    settle(proxy, 0)


def test_what_is_sent_before_a_hang_up_arrives() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()[1]
        with Proxy("127.0.0.1", target) as relay:
            for _ in range(50):
                with connect(relay) as client:
                    client.sendall(b"last words")
                peer, _ = server.accept()
                with peer:
                    assert receive(peer, 100) == b"last words"


def test_the_servers_hang_up_reaches_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()[1]
        with Proxy("127.0.0.1", target) as relay, connect(relay) as client:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"bye")
            assert receive(client, 100) == b"bye"


def test_a_target_that_is_not_there_ends_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()[1]
    with Proxy("127.0.0.1", target) as proxy, connect(proxy) as client:
        assert receive(client, 1) == b""
        settle(proxy, 0)


def test_cut_closes_and_refuses(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert says(client, b"hello") == b"hello"
        proxy.set(Cut())
        assert receive(client, 1) == b""
        for _ in range(50):
            with pytest.raises(ConnectionRefusedError):
                connect(proxy)
        assert proxy.open == 0
    proxy.set(Pass())
    with connect(proxy) as client:
        assert says(client, b"again") == b"again"


def test_stranded_connections_carry_nothing_and_new_ones_work(proxy: Proxy) -> None:
    with connect(proxy) as old:
        assert says(old, b"hello") == b"hello"
        proxy.set(Strand())
        old.sendall(b"lost")
        assert silent(old)
        with connect(proxy) as new:
            assert says(new, b"hello") == b"hello"
        proxy.set(Pass())
        assert silent(old)
    settle(proxy, 0)


def test_a_stall_holds_what_is_there_and_what_comes(proxy: Proxy) -> None:
    with connect(proxy) as old:
        assert says(old, b"hello") == b"hello"
        proxy.set(Stall())
        with connect(proxy) as new:
            for client in (old, new):
                client.sendall(b"later")
            assert silent(old)
            assert silent(new)
            proxy.set(Pass())
            assert [receive(client, 5) for client in (old, new)] == [b"later", b"later"]


@pytest.mark.parametrize("mode", [Stall(), Drip(1, 100.0), Delay(100.0, 100.0)])
def test_a_hang_up_is_seen_whatever_is_held(proxy: Proxy, mode: Mode) -> None:
    with connect(proxy) as old:
        assert says(old, b"hello") == b"hello"
        proxy.set(mode)
        with connect(proxy) as new:
            for client in (old, new):
                client.sendall(b"x" * 1000)
            settle(proxy, 2)
    settle(proxy, 0)


def test_a_drip_takes_its_time_and_loses_nothing(proxy: Proxy) -> None:
    proxy.set(Drip(2, 0.01))
    with connect(proxy) as client:
        began = time.monotonic()
        assert says(client, b"0123456789") == b"0123456789"
        assert time.monotonic() - began >= 0.03
        client.sendall(b"ab" * 5_000)
        proxy.set(Pass())
        assert receive(client, 10_000) == b"ab" * 5_000


def test_reset_on_accepting_and_of_what_is_there(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert says(client, b"hello") == b"hello"
        proxy.set(Reset())
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionResetError), connect(proxy) as client:
        client.recv(1)
    settle(proxy, 0)


def test_reset_after_half_of_a_reply(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert says(client, b"hello") == b"hello"
        proxy.set(Reset(in_reply=True))
        client.sendall(b"0123456789")
        assert receive(client, 5) == b"01234"
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_garbage_instead_of_a_reply_is_seeded(proxy: Proxy) -> None:
    replies = []
    for seed in (1, 1, 2):
        proxy.set(Garbage(Place.INSTEAD, seed))
        with connect(proxy) as client:
            replies.append(says(client, b"0123456789"))
    assert replies[0] == replies[1] != replies[2]
    assert b"0123456789" not in replies


@pytest.mark.parametrize(("place", "at"), [(Place.BEFORE, 0), (Place.INSIDE, 5)])
def test_garbage_beside_a_reply(proxy: Proxy, place: Place, at: int) -> None:
    proxy.set(Garbage(place, size=7))
    with connect(proxy) as client:
        client.sendall(b"0123456789")
        reply = receive(client, 17)
        assert reply[:at] + reply[at + 7 :] == b"0123456789"


@pytest.mark.parametrize("delay", [Delay(to_server_s=0.1), Delay(to_client_s=0.1)])
def test_a_delay_is_a_latency_and_no_limit_of_the_rate(proxy: Proxy, delay: Delay) -> None:
    proxy.set(delay)
    with connect(proxy) as client:
        began = time.monotonic()
        for _ in range(20):
            client.sendall(b"word")
            time.sleep(0.002)
        reply = receive(client, 80)
        assert reply == b"word" * 20
        assert 0.1 <= time.monotonic() - began < 1.5  # 20 in a row would take 2 s


@pytest.mark.anyio
@pytest.mark.parametrize("mode", HARMS, ids=str)
async def test_hundreds_of_connections_there_and_back(proxy: Proxy, mode: Mode) -> None:
    async def one(number: int) -> bool:
        words = struct.pack("<q", number)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            writer.write(words)
            async with asyncio.timeout(2):
                return await reader.readexactly(8) == words
        finally:
            writer.transport.abort()

    async def many() -> list[bool | BaseException]:
        async with asyncio.timeout(60):
            return await asyncio.gather(*map(one, range(200)), return_exceptions=True)

    async with nothing_left():
        assert await many() == [True] * 200
        proxy.set(mode)
        troubled = await many()
        assert (True in troubled) == isinstance(mode, Delay | Drip)
        proxy.set(Pass())
        assert await many() == [True] * 200
        await connections_gone(proxy)


def test_a_proxy_leaves_nothing(echo: int) -> None:
    files, threads = open_files(), threading.active_count()
    for mode in HARMS:
        with Proxy("127.0.0.1", echo) as proxy:
            clients = [connect(proxy) for _ in range(20)]
            proxy.set(mode)
            for client in clients:
                client.close()
    deadline = time.monotonic() + 5
    while not (open_files() <= files and threading.active_count() <= threads):
        assert time.monotonic() < deadline, f"{open_files() - files}, {threading.enumerate()}"
        time.sleep(0.01)
