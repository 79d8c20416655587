"""Connections through a SOCKS proxy that end in time: PySocks speaks the protocol over a socket of ours."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import socks

from .deadline import Deadline
from .fault import Fault
from .sockets import TimedSocket, _Timed


class _Connected(socket.socket):
    def connect(self, _: Any) -> None:
        """PySocks connects before it negotiates; here the deadline has done that."""


class _TimedSocksSocket(_Timed, socks.socksocket, _Connected):
    pass


def connect_through(
    proxy: Mapping[str, Any], deadline: Deadline, host: str, port: int, limit: float | None
) -> TimedSocket:
    """Connect to `host` through `proxy`, as urllib3 describes it; raise `DNS`, `connect` and `timeout` faults."""
    if not proxy['rdns']:
        host = deadline.resolve(host, port)[0][-1][0]
    connected = deadline.connect(proxy['proxy_host'], proxy['proxy_port'], limit)
    sock = _TimedSocksSocket(connected.family, fileno=connected.detach())
    sock.deadline = deadline
    sock.settimeout(limit)
    sock.set_proxy(
        proxy['socks_version'],
        proxy['proxy_host'],
        int(proxy['proxy_port']),
        proxy['rdns'],
        proxy['username'],
        proxy['password'],
    )
    deadline.doing = 'connecting through the SOCKS proxy'
    try:
        sock.connect((host, port))
    except Exception as e:
        sock.close()
        if isinstance(e, socks.ProxyError):
            cause = e.socket_err or e
            raise Fault('connect', f'the proxy did not connect: {cause}') from None
        raise
    timed = TimedSocket(fileno=sock.detach())
    timed.deadline = deadline
    return timed
