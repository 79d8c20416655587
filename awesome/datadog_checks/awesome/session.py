"""An HTTP session over sockets that end in time, which takes nothing from the environment."""

from __future__ import annotations

import ssl
from functools import cache, partial
from http.client import BadStatusLine, HTTPException, HTTPResponse, RemoteDisconnected, parse_headers
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_match_hostname import CertificateError

from datadog_checks.base.utils.tls import create_ssl_context

from .deadline import Deadline
from .fault import Fault, os_cause, tls_cause
from .sockets import MAX_HEADERS, TimedSocket, TimedTLSSocket

TLS_ALERT = '\x15\x03'


class TimedSession(Session):
    """A session whose connections share `deadline`."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.headers.clear()
        # Neither HTTP_PROXY nor .netrc: the Agent's own settings say what applies.
        self.trust_env = False
        self.deadline = deadline
        self.connections: set[HTTPConnection] = set()
        self.certificate: bytes | None = None
        """That of the server of the last request, in DER."""

    def get_adapter(self, url: str) -> BaseAdapter:
        adapter: Any = super().get_adapter(url)
        self._bind(adapter.poolmanager)
        return adapter

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        if kwargs['proxies'] and (proxy := select_proxy(request.url, kwargs['proxies'])):
            adapter: Any = self.get_adapter(request.url)
            proxy = prepend_scheme_if_needed(proxy, 'http')
            is_new_tls_proxy = proxy not in adapter.proxy_manager and proxy.lower().startswith('https:')
            options = {'proxy_ssl_context': self._proxy_context(kwargs['verify'])} if is_new_tls_proxy else {}
            self._bind(adapter.proxy_manager_for(proxy, **options))
        return super().send(request, **kwargs)

    def get_redirect_target(self, resp: Response) -> None:
        """Give none: `send` would read the whole body of a redirect to prepare the next request."""

    def finish(self) -> None:
        """Close the connections and forget the cookies; the pools and the TLS context stay."""
        while self.connections:
            self.connections.pop().close()
        self.cookies.clear()

    def _bind(self, manager: Any) -> None:
        if not hasattr(manager, 'pools_before'):
            manager.pools_before = manager.pool_classes_by_scheme
            manager.pool_classes_by_scheme = {
                scheme: partial(self._pool, pool_class) for scheme, pool_class in manager.pools_before.items()
            }

    def _pool(self, pool_class: type[HTTPConnectionPool], *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool = pool_class(*args, **kwargs)
        pool.ConnectionCls = partial(_timed(pool.ConnectionCls), self)
        return pool

    def _proxy_context(self, verify: bool | str) -> ssl.SSLContext:
        ca_cert = verify if isinstance(verify, str) else None
        context: Any = create_ssl_context({'tls_verify': bool(verify), 'tls_ca_cert': ca_cert})
        context.sslsocket_class = TimedTLSSocket
        context.deadline = self.deadline
        return context


class FinalResponse(HTTPResponse):
    """A response that skips every interim one (RFC 9110, section 15.2), where the standard library knows but 100."""

    def begin(self) -> None:
        super().begin()
        # urllib3 would log what it cannot parse of the headers, together with the whole URL.
        self.msg.defects.clear()
        self.msg.set_payload('')

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 102 <= status <= 199:
                return version, status, reason
            parse_headers(self.fp)


class TimedConnection(HTTPConnection):
    """A connection that ends in time and raises faults."""

    timeout: float | None

    response_class = FinalResponse

    def __init__(self, session: TimedSession, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._session = session
        self._deadline = session.deadline

    def _new_conn(self) -> TimedSocket:
        proxy = getattr(self, '_socks_options', None)
        if not proxy:
            return self._deadline.connect(self._dns_host, self.port, self.timeout)
        from .tunnel import connect_through

        return connect_through(proxy, self._deadline, self.host, self.port, self.timeout)

    def connect(self) -> None:
        self._session.connections.add(self)
        try:
            super().connect()
        except CertificateError as e:
            raise Fault('TLS', str(e)) from None
        except ssl.SSLError as e:
            # Of a page's TLS inside a proxy's, whose sockets are urllib3's.
            raise Fault('TLS', tls_cause(e)) from None
        except (OSError, HTTPException, HTTPError) as e:
            # The host itself has its own faults: only a proxy is left.
            self._deadline.left()
            raise Fault('connect', f'the proxy did not connect: {_proxy_cause(e)}') from None
        self._deadline.doing = 'sending the request'

    def getresponse(self) -> Any:
        self._deadline.doing = 'waiting for the response'
        sock: Any = self.sock
        sock.room = MAX_HEADERS
        try:
            response = super().getresponse()
        except RemoteDisconnected:
            raise Fault('status', 'the server closed the connection without a response') from None
        except BadStatusLine as e:
            if TLS_ALERT in str(e):
                raise Fault('status', 'the server speaks TLS on this port: use https') from None
            raise Fault('status', f'not an HTTP response: {str(e)!r}') from None
        except ssl.SSLError as e:
            raise Fault('TLS', tls_cause(e)) from None
        except OSError as e:
            raise Fault('status', f'{os_cause(e)} before the response') from None
        except (HTTPException, HTTPError, ValueError) as e:
            raise Fault('status', f'not an HTTP response: {e}') from None
        sock.room = float('inf')
        return response


class TimedTLSConnection(TimedConnection, HTTPSConnection):
    """A TLS connection that ends in time and raises faults."""

    ssl_context: Any

    def connect(self) -> None:
        context = self.ssl_context
        if context is None and self.proxy_config:
            # Of a proxy that forwards; urllib3 2.6 would not use the context that it was given for it.
            self.ssl_context = context = self.proxy_config.ssl_context
            self.cert_reqs = context and context.verify_mode
        if context:
            context.sslsocket_class = TimedTLSSocket
            context.deadline = self._deadline
        super().connect()

    def getresponse(self) -> Any:
        # A proxy that forwards is no server of the page.
        if not self.proxy_is_forwarding:
            sock: Any = self.sock
            self._session.certificate = sock.getpeercert(binary_form=True)
        return super().getresponse()


@cache
def _timed(connection_class: type[HTTPConnection]) -> Any:
    base = TimedTLSConnection if issubclass(connection_class, HTTPSConnection) else TimedConnection
    return type(f'Timed{connection_class.__name__}', (base, connection_class), {})


def _proxy_cause(error: Exception) -> str:
    return os_cause(error) if isinstance(error, OSError) and error.errno else str(error)
