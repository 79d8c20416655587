"""A fetcher that keeps what happened, for those who ask why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from requests import Response

from datadog_checks.base.log import CheckLoggingAdapter

from .deadline import Deadline
from .page import Fetcher, Page
from .sockets import TimedSocket

# Of a page's body, in bytes: little for an Agent to hold, more than an explanation usually takes.
MAX_BODY = 16 * 1024 * 1024


class Trace(Deadline):
    """Keeps which host was found where, that of a proxy if there is one."""

    resolved = connected = ''

    def resolve(self, host: str, port: int) -> list[Any]:
        addresses = super().resolve(host, port)
        found = ', '.join(dict.fromkeys(address[4][0] for address in addresses))
        self.resolved = f'{host} is an address' if found == host else f'{host} is {found}'
        return addresses

    def connect(self, host: str, port: int, limit: float | None) -> TimedSocket:
        sock = super().connect(host, port, limit)
        self.connected = f'connected to {sock.getpeername()[0]} port {port}'
        return sock


class RecordedPage(Page):
    """Keeps the beginning of its body, after decompression."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.body = bytearray()

    def read(self, limit: int) -> Iterator[bytes]:
        for chunk in super().read(limit):
            self.body += chunk[: MAX_BODY - len(self.body)]
            yield chunk


class Recorder(Fetcher):
    """Fetches a page and keeps what happened."""

    page: RecordedPage | None = None

    def __init__(self, instance: Mapping[str, Any], init_config: Mapping[str, Any], log: CheckLoggingAdapter) -> None:
        self.trace = Trace()
        super().__init__(instance, init_config, log, self.trace)

    def _page(self, url: str, response: Response) -> Page:
        self.page = RecordedPage(url, response, self.deadline)
        return self.page
