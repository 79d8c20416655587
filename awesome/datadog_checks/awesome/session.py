"""An HTTP session over sockets that end in time, which takes nothing from the environment."""

from __future__ import annotations

import ssl
from functools import partial
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_match_hostname import CertificateError

from .deadline import Deadline, Fault, TimedSocket, TimedTLSSocket, os_cause, tls_cause

TLS_ALERT = '\x15\x03'


class TimedSession(Session):
    """A session whose connections share `deadline`; `finish` closes those that a run opened."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.headers.clear()
        # Neither HTTP_PROXY nor .netrc: the Agent's own settings say what applies.
        self.trust_env = False
        self._connections: set[HTTPConnection] = set()
        self._pools = {
            'http': partial(_pool, HTTPConnectionPool, partial(TimedConnection, deadline, self._connections)),
            'https': partial(_pool, HTTPSConnectionPool, partial(TimedTLSConnection, deadline, self._connections)),
        }

    def get_adapter(self, url: str) -> BaseAdapter:
        adapter: Any = super().get_adapter(url)
        adapter.poolmanager.pool_classes_by_scheme = self._pools
        return adapter

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        proxy = select_proxy(request.url, kwargs['proxies'])
        if proxy:
            manager = self.get_adapter(request.url).proxy_manager_for(prepend_scheme_if_needed(proxy, 'http'))
            manager.pool_classes_by_scheme = self._pools
        return super().send(request, **kwargs)

    def get_redirect_target(self, resp: Response) -> None:
        """Give none: `send` would read the whole body of a redirect to prepare the next request."""

    def finish(self) -> None:
        """Close the connections and forget the cookies; the pools and the TLS context stay."""
        while self._connections:
            self._connections.pop().close()
        self.cookies.clear()


class TimedConnection(HTTPConnection):
    """A connection that ends in time and raises faults."""

    def __init__(self, deadline: Deadline, opened: set[HTTPConnection], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = deadline
        self._opened = opened

    def _new_conn(self) -> TimedSocket:
        return self._deadline.connect(self._dns_host, self.port, self.timeout)

    def connect(self) -> None:
        self._opened.add(self)
        try:
            super().connect()
        except CertificateError as e:
            raise Fault('TLS', str(e)) from None
        except (OSError, HTTPException) as e:
            # The connection stands: only what a proxy answers to CONNECT is left.
            raise Fault('connect', f'the proxy {self.host} port {self.port} answered: {e}') from None

    def getresponse(self) -> Any:
        self._deadline.doing = 'waiting for the response'
        try:
            return super().getresponse()
        except RemoteDisconnected:
            raise Fault('status', 'the server closed the connection without a response') from None
        except BadStatusLine as e:
            if TLS_ALERT in str(e):
                raise Fault('status', 'the server speaks TLS on this port: use https') from None
            raise Fault('status', f'not an HTTP response: {str(e)[:80]!r}') from None
        except ssl.SSLError as e:
            raise Fault('TLS', tls_cause(e)) from None
        except OSError as e:
            raise Fault('status', f'{os_cause(e)} before the response') from None
        except (HTTPException, HTTPError) as e:
            raise Fault('status', f'not an HTTP response: {str(e)[:80]}') from None


class TimedTLSConnection(TimedConnection, HTTPSConnection):
    """A TLS connection that ends in time and raises faults."""

    def connect(self) -> None:
        context: Any = self.ssl_context
        context.sslsocket_class = TimedTLSSocket
        context.deadline = self._deadline
        super().connect()


def _pool(pool_class: type[HTTPConnectionPool], connection_class: Any, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
    pool = pool_class(*args, **kwargs)
    pool.ConnectionCls = connection_class
    return pool
