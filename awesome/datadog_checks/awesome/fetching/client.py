"""The client door: the base package's client over our transport, for conversations that it knows how to lead.

The seam is the official one of requests, a `BaseAdapter`. Three things are bent. The client mounts an adapter of its
own for https at each request, so `get_adapter` of the session is what always answers with ours. The URL goes out as
through the direct door, where requests would quote it anew or refuse it, and what signs a request has to see the same.
And of a 401 or 407, a hook sees only what it needs to log in to the page: no body, which it would read whole, no
cookies, which it would send back as they came, and nothing that a proxy asks for.
NTLM and Kerberos reach for the socket's certificate through `raw`, so that is a urllib3.HTTPResponse.
"""

from __future__ import annotations

import binascii
import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Session
from requests import Request as ClientRequest
from requests import Response as ClientResponse
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from datadog_checks.awesome.fault import Activity, Fault, Kind
from datadog_checks.base.utils.http import RequestsWrapper

from .digest import DigestAuth
from .environment import Environment
from .page import status_with_phrase
from .transport import Request
from .urls import parse_url, public_url, request_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from datadog_checks.base.log import CheckLoggingAdapter

    from .background import Background
    from .cookies import Cookies
    from .deadline import Deadline
    from .settings import ClientOptions
    from .transport import Response, Transport

# In bytes: what is read of a refusal, so that the connection can be kept for the next step of the conversation.
MAX_REFUSAL = 64 * 1024
REFUSALS = (401, 407)
# The one header that is for a hook to see: cookies are ours to send, and the login is not for proxies.
CHALLENGE = 'WWW-Authenticate'
# The response in a digest.
DIGEST = re.compile(r'Digest .*\bresponse="([0-9a-f]+)".*', re.DOTALL)
# What a login adds to a request.
LOGIN_HEADERS = frozenset({'authorization', 'x-amz-security-token'})
# In characters: a hook may keep what it gets, or send it back.
MAX_CHALLENGE = 16 * 1024
# What the session is asked for, before each request gets its own URL.
ANY_URL = 'http://localhost/'
# What hooks raise at a message that they cannot read.
MALFORMED = (binascii.Error, LookupError, UnicodeError, struct.error)
# Conversations in which a library waits for others (a KDC, a metadata service) outside our sockets.
BLOCKING = frozenset({'aws', 'kerberos'})
# What Kerberos reads from the environment; the base package would not take it back after a failure.
VARIABLES = {'kerberos_keytab': 'KRB5_CLIENT_KTNAME', 'kerberos_cache': 'KRB5CCNAME'}
# The wrapper's name of a method, where it is not the method's own.
METHODS = {'OPTIONS': 'options_method'}
# In characters: what a cache of 128 URLs may hold of each. A server may send 60 KB.
KEPT_LENGTH = 2048


class Client:
    """Sends requests through the base package's client."""

    def __init__(
        self,
        options: ClientOptions,
        user_info: tuple[str, str] | None,
        adapter: TransportAdapter,
        background: Background,
        log: CheckLoggingAdapter,
    ) -> None:
        self._auth_type = options.auth_type
        self._background = background
        self._log = log
        self._adapter = adapter
        self._session = TransportSession(adapter)
        login = zip(('username', 'password'), user_info or (), strict=False)
        # The transport has the other options. An unverified context is the cheapest that the client can build in vain.
        given = {**dict(login), **options.auth_options, 'tls_verify': False, 'tls_ignore_warning': True}
        self._variables = {VARIABLES[name]: given.pop(name) for name in VARIABLES if given.get(name)}
        self._instance = given
        self._http: RequestsWrapper | None = None

    def send(self, request: Request) -> Response:
        """Return the final response to `request`; raise faults of every step but `body`."""
        try:
            return self._send(request)
        finally:
            if len(request_target(request.url)) > KEPT_LENGTH:
                # For requests and its hooks, urllib.parse keeps what it parsed: 128 URLs of any length.
                urlsplit.cache_clear()  # type: ignore[attr-defined]  # typeshed hides that it is a functools.lru_cache

    def _send(self, request: Request) -> Response:
        if self._auth_type not in BLOCKING:
            return self._converse(request)
        self._background.deadline.begin(Activity.LOGIN)
        key = 'login', self._auth_type, request.method, public_url(request.url)
        with Environment(self._variables):
            return self._background.run(key, lambda: self._converse(request))

    def _converse(self, request: Request) -> Response:
        self._session.request_as_written = request
        self._adapter.status = None
        try:
            http = self._http = self._http or self._build()
            method: Callable[..., Any] = getattr(http, METHODS.get(request.method, request.method.lower()))
            response = method(
                ANY_URL,
                headers=dict(request.headers),
                data=request.body,
                stream=True,
                persist=True,
                allow_redirects=False,
            )
        except Fault:
            raise
        except Exception as e:
            # Hooks of four libraries raise whatever they like at an answer that they do not expect. Some remember it:
            # after a challenge without a realm, that of a digest would fail forever.
            self._http = None
            raise self._fault(e) from None
        final: Response = response.transport_response
        return final

    def _build(self) -> RequestsWrapper:
        """Return the base package's client, which looks for the credentials of AWS; raise a TOKEN fault."""
        try:
            http = RequestsWrapper(self._instance, {'use_agent_proxy': False}, logger=self._log, session=self._session)
        except Exception as e:
            raise self._fault(e) from None
        # It would look for them only once.
        if self._auth_type == 'aws' and not http.options['auth']._refreshable_credentials:
            raise self._fault(LookupError('none in the environment, in the files of AWS, or from its metadata service'))
        # Older base packages have slots, and no such one.
        if hasattr(http, 'aia_chasing_max_depth'):
            http.aia_chasing_max_depth = 0
        http.options['headers'] = {}
        if self._auth_type == 'digest':
            http.options['auth'] = DigestAuth(http.options['auth'].username, http.options['auth'].password)
        return http

    def _fault(self, error: Exception) -> Fault:
        cause = ' '.join(str(error).split()) or type(error).__name__
        if self._adapter.status is None:
            return Fault(Kind.TOKEN, f'no credentials for the {self._auth_type} login: {{}}', cause)
        if isinstance(error, KeyError) and isinstance(error.args[0], str):
            cause = f'the challenge lacks {error}'
        elif isinstance(error, MALFORMED):
            cause = 'the challenge is malformed'
        status = status_with_phrase(self._adapter.status)
        return Fault(Kind.LOGIN, f'{status}; the {self._auth_type} login failed: {{}}', cause)


class TransportSession(Session):
    """A session whose every URL is requested on our transport, and which takes nothing from the environment."""

    request_as_written: Request

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self.headers.clear()
        self.trust_env = False
        self._adapter = adapter

    def get_adapter(self, url: str | bytes) -> BaseAdapter:
        return self._adapter

    def prepare_request(self, request: ClientRequest) -> PreparedRequest:
        auth, request.auth = request.auth, None
        prepared = super().prepare_request(request)
        url = self.request_as_written.url
        prepared.url = f'{url.scheme}://{url.netloc}{request_target(url)}'
        prepared.prepare_auth(auth)
        return prepared

    def get_redirect_target(self, resp: ClientResponse) -> None:
        """Return none: `send` would read the whole body of a redirect to prepare the next request."""


class TransportAdapter(BaseAdapter):
    """Sends the prepared requests of a session on a transport."""

    def __init__(self, transport: Transport, deadline: Deadline, cookies: Cookies, hide: Callable[[str], None]) -> None:
        super().__init__()
        self.status: int | None = None
        """Of the last response."""
        self._transport = transport
        self._deadline = deadline
        self._cookies = cookies
        self._hide = hide

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Any:
        url = parse_url(str(request.url))
        if cookies := self._cookies.header(url, str(request.headers.get('Cookie', ''))):
            request.headers['Cookie'] = cookies
        if (login := str(request.headers.get('Authorization', ''))).startswith('Digest '):
            # requests signs UTF-8, and nothing of an empty query.
            request.headers['Authorization'] = login.encode().decode('latin-1')
            url = url._replace(path=url.path.removesuffix('?'))
        headers = tuple((_text(name), _text(value)) for name, value in request.headers.items() if value is not None)
        body = request.body.encode() if isinstance(request.body, str) else request.body
        for name, value in headers:
            if name.lower() in LOGIN_HEADERS:
                self._hide(_secret_part(value))
        response = self._transport.send(Request(str(request.method), url, _without_length(headers), body))
        self._cookies.store(url, response.headers.get_all('Set-Cookie'))
        self.status = response.status
        if response.status in REFUSALS:
            response.drain(MAX_REFUSAL)
            self._deadline.check()
            # Now a hook may ask others, such as a KDC.
            self._deadline.begin(Activity.LOGIN)
        return self._as_client_response(request, response)

    def close(self) -> None:
        """Leave the connections to who owns the transport."""

    def _as_client_response(self, request: PreparedRequest, response: Response) -> Any:
        converted: Any = ClientResponse()
        converted.status_code, converted.reason, converted.url = response.status, response.reason, request.url
        converted.headers = CaseInsensitiveDict()
        if challenge := response.headers.get(CHALLENGE):
            if len(challenge) > MAX_CHALLENGE:
                raise ValueError(f'the challenge is longer than {MAX_CHALLENGE // 1024} KiB')
            converted.headers[CHALLENGE] = _as_utf_8(challenge)
        converted.request, converted.connection = request, self
        converted._content, converted._content_consumed = b'', True
        converted.raw = HTTPResponse(EmptyBody(self._transport.chain), status=response.status, preload_content=False)
        converted.transport_response = response
        return converted


class EmptyBody(BytesIO):
    """A body of nothing, through which NTLM and Kerberos reach for the socket of the connection."""

    def __init__(self, chain: list[bytes]) -> None:
        super().__init__()
        self.fp = SimpleNamespace(raw=SimpleNamespace(_sock=Peer(chain[0]) if chain else None))


@dataclass(frozen=True)
class Peer:
    """What a login asks of a socket: the certificate to which it is bound (RFC 5929)."""

    certificate: bytes

    def getpeercert(self, binary_form: bool = False) -> bytes:
        """Return the certificate of the server, in DER."""
        return self.certificate


def _secret_part(login: str) -> str:
    """Return what is secret of a header that logs in: of a digest, whose other parts are no secret, the response."""
    if digest := DIGEST.fullmatch(login):
        return digest[1]
    return login.partition(' ')[2] or login


def _as_utf_8(value: str) -> str:
    """Return bytes read as ISO-8859-1 as the UTF-8 that they are, if they are."""
    with suppress(UnicodeError):
        return value.encode('latin-1').decode()
    return value


def _text(value: str | bytes) -> str:
    return value.decode('latin-1') if isinstance(value, bytes) else value


def _without_length(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return headers without the length of the body, which the transport adds."""
    return tuple((name, value) for name, value in headers if name.lower() != 'content-length')
