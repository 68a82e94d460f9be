"""A door in front of an endpoint, which can be shut and opened: L1 goes away, and comes back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Door:
    """Passes connections on to `target` while it is open; shut, it cuts them and refuses new ones."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: set[socket.socket] = set()
        self._is_open = True
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        self._is_open = False
        for connection in list(self._connections):
            _cut(connection)

    def open(self) -> None:
        self._is_open = True

    def close(self) -> None:
        self.shut()
        _cut(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            if not self._is_open:
                caller.close()
                continue
            endpoint = socket.create_connection(self._target)
            self._connections |= {caller, endpoint}
            for source, sink in ((caller, endpoint), (endpoint, caller)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for each in (source, sink):
            _cut(each)
            self._connections.discard(each)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextmanager
def door(target: str) -> Iterator[Door]:
    made = Door(target)
    try:
        yield made
    finally:
        made.close()
