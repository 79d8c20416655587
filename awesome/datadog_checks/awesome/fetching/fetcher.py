"""Fetches pages: follows redirects, decides which origin may know what, and which door a request takes.

The direct door sends a request on our own transport. A conversation with the server (digest, NTLM, Kerberos, AWS) takes
the client door, the base package's client over the same transport.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from datadog_checks.awesome.fault import Fault, Kind

from .background import Background
from .cookies import Cookies
from .dialing import Dialer
from .page import REDIRECTS, Page, locations
from .proxies import public_proxy
from .settings import CONVERSATIONS, header, merged
from .tls import TLSContexts
from .transport import Request, Response, Settings, Transport
from .urls import basic_auth, host_header, origin, public_url, redirect_target, same_origin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from urllib.parse import SplitResult

    from datadog_checks.awesome.options import PageOptions
    from datadog_checks.base.log import CheckLoggingAdapter

    from .client import Client
    from .credentials import TokenSource
    from .deadline import Deadline
    from .dialing import AddressInfo
    from .settings import ClientOptions


class Secrets(Protocol):
    """Hides secrets in text, and is told each token that is fetched."""

    def __call__(self, text: str) -> str: ...

    def add_fetched(self, secret: str) -> None: ...


class Fetcher:
    """Fetches pages for one check, with its HTTP options."""

    def __init__(self, options: ClientOptions, deadline: Deadline, log: CheckLoggingAdapter, secrets: Secrets) -> None:
        self._options = options
        self._log = log
        self._secrets = secrets
        self._cookies = Cookies()
        self.deadline = deadline
        self.background = Background(deadline)
        self.dialer = Dialer(deadline, self.background)
        self._same_origin = Transport(deadline, self.dialer, self._settings(dict(options.tls), private=True))
        self._client: Client | None = None
        self._is_through_proxy = False
        self.last_proxy = ''
        """The URL of the proxy of the last request, without its login; empty if it went without one."""

    def open(self, page: PageOptions) -> Page:
        """Request a page, follow its redirects and return the final response; raise a fault of any step but `body`."""
        self.dialer.ip_protocol = page.ip_protocol
        url, method, body, trusted = page.url, page.method, page.body, True
        for redirects in range(page.max_redirects + 1):
            if body and not trusted:
                raise Fault(Kind.REDIRECT_WITH_DATA, 'to another origin, which must not get the data of the request')
            send = self._send_trusted if trusted else self._send_untrusted
            response = send(url, method, body, page.content_type if body else '')
            self._cookies.store(url, response.headers.get_all('Set-Cookie'))
            status, found = response.status, locations(response)
            if status not in REDIRECTS or not found or not self._options.allow_redirects:
                return Page(url, response, self.deadline, redirects)
            response.close()
            # A head may take megabytes: one at a time.
            del response
            url = redirect_target(url, found, page.url)
            trusted = same_origin(page.url, url)
            if status == 303 or (status in (301, 302) and method == 'POST'):
                method, body = ('HEAD' if method == 'HEAD' else 'GET'), None
        raise _too_many_redirects(page.max_redirects, public_url(url))

    @property
    def is_through_proxy(self) -> bool:
        """Whether a proxy looked up hosts and connected to them in this run."""
        return self._is_through_proxy

    @property
    def chain(self) -> list[bytes]:
        """The certificates that the page's own origin showed in this run, in DER, its own first."""
        return self._same_origin.chain

    def login(self, url: SplitResult) -> str:
        """Return how a request to `url` logs in: an `auth_type`, `auth_token` or `headers`; empty if it does not."""
        options = self._options
        if options.auth_token:
            return 'auth_token'
        if options.auth_type in CONVERSATIONS:
            return options.auth_type
        if header(options.headers, 'authorization') is not None:
            return 'headers'
        return 'basic' if self._basic_auth(url) else ''

    def addresses(self, page: PageOptions) -> list[AddressInfo]:
        """Return the addresses of a page's host, each once; raise `DNS` and `timeout` faults."""
        self.dialer.ip_protocol = page.ip_protocol
        _, host, port = origin(page.url)
        return list({info[4]: info for info in self.dialer.resolve(host, port)}.values())

    def pin(self, page: PageOptions, address: AddressInfo) -> None:
        """Use that address alone of a page's host, from a clean start until the run ends."""
        self._clear()
        self.dialer.pin = origin(page.url)[1], address

    def finish(self) -> None:
        """End a run: leave nothing open but what is to be kept."""
        try:
            self._clear()
            self._is_through_proxy, self.last_proxy = False, ''
            self._same_origin.forget_addresses()
            self.dialer.pin = None
            if not self._options.persist:
                self.dialer.resolved = self.dialer.peer = None
        finally:
            self.deadline.finish()

    def _clear(self) -> None:
        """Forget what came with a page, and leave nothing open but what is to be kept."""
        self._cookies.clear()
        if self._options.persist:
            self._same_origin.finish()
        else:
            self._same_origin.close()
        if '_cross_origin' in self.__dict__:
            self._cross_origin.close()

    def _send_trusted(self, url: SplitResult, method: str, body: bytes | None, content_type: str) -> Response:
        """Send a request to the origin of the configured URL, which may know all that is configured."""
        self._log_request(method, url)
        headers = self._headers(url, self._options.headers, content_type)
        if self._options.auth_token:
            response = self._send_with_token(url, method, headers, body)
        elif self._options.auth_type in CONVERSATIONS:
            response = self._client_for(url).send(self._request(url, method, headers, body))
        else:
            if login := self._basic_auth(url):
                headers = merged(login, headers)
            response = self._same_origin.send(self._request(url, method, headers, body))
        return response

    def _send_untrusted(self, url: SplitResult, method: str, body: bytes | None, content_type: str) -> Response:
        """Send a request to another origin, which must know nothing that is configured."""
        self._log_request(method, url)
        headers = self._headers(url, self._options.default_headers, content_type)
        return self._cross_origin.send(self._request(url, method, headers, body))

    def _send_with_token(
        self, url: SplitResult, method: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        """Send a request with a token, once more with a new one if the server does not accept it."""
        for renew in (False, True):
            with self.dialer.unrestricted():
                name, value = self._token_source.header(renew)
            response = self._same_origin.send(self._request(url, method, merged(headers, {name: value}), body))
            if response.status != 401 or renew:
                break
            response.close()
        return response

    def _headers(self, url: SplitResult, configured: Mapping[str, str], content_type: str) -> Mapping[str, str]:
        """Return the headers that are configured, and those of the body and of the cookies that were set."""
        headers = merged({'Content-Type': content_type}, configured) if content_type else configured
        if self._cookies and (cookies := self._cookies.header(url, header(headers, 'cookie') or '')):
            headers = merged(headers, {'Cookie': cookies})
        return headers

    def _basic_auth(self, url: SplitResult) -> dict[str, str]:
        """Return the header of basic authentication, by the options or by the user info of the URL (RFC 7617)."""
        options = self._options
        if options.username is not None and options.password is not None:
            credentials = f'{options.username}:{options.password}'.encode(options.auth_encoding)
        elif user_info := basic_auth(url):
            credentials = ':'.join(user_info).encode()
        else:
            return {}
        return {'Authorization': f'Basic {b64encode(credentials).decode()}'}

    def _request(self, url: SplitResult, method: str, headers: Mapping[str, str], body: bytes | None) -> Request:
        if '@' in url.netloc:
            url = url._replace(netloc=url.netloc.rpartition('@')[2])
        return Request(method, url, tuple(headers.items()), body)

    def _log_request(self, method: str, url: SplitResult) -> None:
        if self._options.log_requests:
            self._log.debug('Sending %s request to %s', method, self._secrets(public_url(url)))

    @cached_property
    def _cross_origin(self) -> Transport:
        return Transport(self.deadline, self.dialer, self._settings(self._options.shared_tls, private=False))

    def _client_for(self, url: SplitResult) -> Client:
        if self._client is None:
            # A run can be cancelled meanwhile: the first import of what it needs takes most of a second.
            client = self.background.run('client', _import_client)
            hide = self._secrets.add_fetched
            adapter = client.TransportAdapter(self._same_origin, self.deadline, self._cookies, hide)
            self._client = client.Client(self._options, basic_auth(url), adapter, self.background, self._log)
        return self._client

    @cached_property
    def _token_source(self) -> TokenSource:
        from .credentials import TokenSource

        return TokenSource(
            self._options.auth_token or {},
            self._cross_origin.send,
            self.background,
            self.deadline,
            self._secrets.add_fetched,
        )

    def _settings(self, tls: dict[str, Any], private: bool) -> Settings:
        options = self._options
        server_name = self._server_name if private else None
        return Settings(
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            proxy=self._proxy_of_request,
            # Whoever names the server in the Host header wants its certificate to have that name.
            context=TLSContexts(tls | {'tls_validate_hostname': True} if server_name else tls, self.background),
            server_name=server_name,
            persist=private and (options.persist or options.auth_type in CONVERSATIONS),
            # NTLM, which Kerberos falls back to, logs a connection in, not a request.
            binds_login=options.auth_type in ('kerberos', 'ntlm'),
        )

    @property
    def _server_name(self) -> str | None:
        """The name that the server's certificate must have in place of the URL's host, if that is configured."""
        return header(self._options.headers, 'host') if self._options.use_host_header else None

    def proxy(self, url: SplitResult) -> str | None:
        """Return the URL of the proxy for a page, if one applies."""
        proxy = self._options.proxies.get(url.scheme)
        if proxy and self._options.no_proxy:
            from datadog_checks.base.utils.http import should_bypass_proxy

            # Of the URL, the host decides; urllib.parse keeps what it parsed, and a path may have any length.
            if should_bypass_proxy(f'{url.scheme}://{host_header(url)}/', self._options.no_proxy):
                return None
        return proxy

    def _proxy_of_request(self, url: SplitResult) -> str | None:
        proxy = self.proxy(url)
        self.last_proxy = public_proxy(proxy) if proxy else ''
        self._is_through_proxy = self._is_through_proxy or bool(proxy)
        return proxy


def _too_many_redirects(limit: int, target: str) -> Fault:
    if limit:
        return Fault(Kind.TOO_MANY_REDIRECTS, 'more than {} in a row, the last to {}', limit, target)
    return Fault(Kind.NO_REDIRECTS, 'to {}, and max_redirects is 0', target)


def _import_client() -> ModuleType:
    from . import client

    return client
