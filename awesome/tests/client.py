"""A transport for tests, with a deadline of its own."""

from __future__ import annotations

import ssl
from typing import Any, Self
from urllib.parse import SplitResult

import trustme

from datadog_checks.awesome.fetching.background import Background
from datadog_checks.awesome.fetching.deadline import Deadline
from datadog_checks.awesome.fetching.dialing import Dialer
from datadog_checks.awesome.fetching.transport import Request, Response, Settings, Transport
from datadog_checks.awesome.fetching.urls import parse_url


class Contexts:
    """Contexts that trust an authority; without one, they verify nothing."""

    def __init__(self, ca: trustme.CA | None = None) -> None:
        self._ca = ca

    def __call__(self, check_hostname: bool = True) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname = check_hostname and self._ca is not None
        context.verify_mode = ssl.CERT_REQUIRED if self._ca else ssl.CERT_NONE
        if self._ca:
            self._ca.configure_trust(context)
        return context


class Client:
    """Sends requests, all in one run of `seconds`."""

    def __init__(self, ca: trustme.CA | None = None, proxy: str | None = None, seconds: float = 60, **options: Any):
        self.deadline = Deadline()
        self.background = Background(self.deadline)
        self.dialer = Dialer(self.deadline, self.background)
        settings = {'connect_timeout': None, 'read_timeout': None, 'context': Contexts(ca), **options}
        self.transport = Transport(self.deadline, self.dialer, Settings(proxy=lambda _: proxy, **settings))
        self.deadline.start(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def send(
        self, url: str | SplitResult, method: str = 'GET', headers: Any = (), body: bytes | None = None
    ) -> Response:
        """Send a request and return its response, whose body is not read."""
        parts = parse_url(url) if isinstance(url, str) else url
        return self.transport.send(Request(method, parts, tuple(headers), body))

    def fetch(self, url: str | SplitResult, method: str = 'GET', **options: Any) -> bytes:
        """Send a request and return the body of its response."""
        response = self.send(url, method, **options)
        try:
            return b''.join(iter(lambda: response.read1(65536), b''))
        finally:
            response.close()
