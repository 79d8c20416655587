"""One page, fetched once: follows redirects and gives the body as a stream of bytes."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

from requests import RequestException, Response
from requests.utils import get_auth_from_url
from urllib3.exceptions import HTTPError

from datadog_checks.base import is_affirmative
from datadog_checks.base.log import CheckLoggingAdapter
from datadog_checks.base.utils.http import RequestsWrapper

from .certificate import days_left
from .deadline import Deadline
from .decompression import decompress
from .fault import Fault, tls_cause
from .session import TimedSession
from .urls import public_url, redirect_target, same_origin

Data = str | Mapping[str, Any] | None

# In bytes: enough for most pages and for what is near the beginning of the others, which are then read in larger ones.
FIRST_CHUNK_SIZE = 64 * 1024
CHUNK_SIZE = 256 * 1024
MAX_REDIRECTS = 10
# The wrapper's name of a method, where it is not the method's own.
METHODS = {'OPTIONS': 'options_method'}
# All that a request to another origin may know: how to reach and verify it.
FOREIGN_OPTIONS = (
    'connect_timeout',
    'no_proxy',
    'proxy',
    'read_timeout',
    'skip_proxy',
    'timeout',
    'tls_ca_cert',
    'tls_ciphers',
    'tls_ignore_warning',
    'tls_intermediate_ca_certs',
    'tls_protocols_allowed',
    'tls_validate_hostname',
    'tls_verify',
)


class Page:
    """A final response; `read` gives its body. A context manager that leaves nothing of the response open."""

    def __init__(self, url: str, response: Response, deadline: Deadline) -> None:
        self._url = url
        self._response = response
        self._raw: Any = response.raw
        self._headers = response.headers
        self._deadline = deadline
        self.status_code = response.status_code
        self.content_type: str = response.headers.get('Content-Type', '')
        self.size = 0
        """Bytes read so far, after decompression."""
        self.cut_off = False
        """Whether `read` ended at its limit."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    @property
    def url(self) -> str:
        """Where the redirects ended."""
        return public_url(self._url)

    @property
    def age(self) -> float | None:
        """The seconds since the page was last modified (RFC 9110, section 8.8.2), if the response has a valid time."""
        try:
            modified = parsedate_to_datetime(self._headers.get('Last-Modified', ''))
        except (OverflowError, ValueError):
            return None
        # Of the three formats, that of asctime names no time zone.
        age = datetime.now(UTC) - (modified if modified.tzinfo else modified.replace(tzinfo=UTC))
        return max(age.total_seconds(), 0)

    @property
    def status(self) -> str:
        """The status with its standard phrase: "503 Service Unavailable"."""
        try:
            return f'{self.status_code} {HTTPStatus(self.status_code).phrase}'
        except ValueError:
            return str(self.status_code)

    def read(self, limit: int) -> Iterator[bytes]:
        """Give the decompressed body piece by piece, as it comes, up to `limit` bytes; raise `body` and `timeout`."""
        self._deadline.doing = 'reading the page'
        for chunk in decompress(self._receive(), self._headers.get('Content-Encoding', '')):
            self._deadline.left()
            chunk = chunk[: limit - self.size]
            self.size += len(chunk)
            yield chunk
            if self.size == limit:
                self.cut_off = True
                return

    def _receive(self) -> Iterator[bytes]:
        received, size = 0, FIRST_CHUNK_SIZE
        try:
            # `read1` returns what is there; `iter_content` and `read` wait until a whole chunk has come.
            while chunk := self._raw.read1(size, decode_content=False):
                received, size = received + len(chunk), CHUNK_SIZE
                yield chunk
        except HTTPError:
            expected = self._headers.get('Content-Length')
            of = f' of {expected}' if expected and 'Transfer-Encoding' not in self._headers else ''
            raise Fault('body', f'it broke off after {received}{of} bytes') from None


class Fetcher:
    """Fetches pages for one check, with its HTTP options."""

    def __init__(
        self,
        instance: Mapping[str, Any],
        init_config: Mapping[str, Any],
        log: CheckLoggingAdapter,
        deadline: Deadline | None = None,
    ) -> None:
        # The wrapper takes `timeout:` without a value for a timeout.
        self._instance = {option: value for option, value in instance.items() if value is not None}
        self._init_config, self._log = init_config, log
        self.deadline = deadline or Deadline()
        self._own_session = TimedSession(self.deadline)
        self._foreign_session = TimedSession(self.deadline)
        self.http = RequestsWrapper(self._instance, init_config, logger=log, session=self._own_session)

    @cached_property
    def _foreign_http(self) -> RequestsWrapper:
        options = {name: self._instance[name] for name in FOREIGN_OPTIONS if name in self._instance}
        return RequestsWrapper(options, self._init_config, logger=self._log, session=self._foreign_session)

    def open(self, url: str, method: str, data: Data) -> Page:
        """Request `url`, follow its redirects and give the final response; raise a fault of any step but `body`."""
        start, own = urlsplit(url), True
        for _ in range(MAX_REDIRECTS + 1):
            if data and not own:
                raise Fault('redirect', 'to another origin, which must not get the data of the request')
            response = self._request(self.http if own else self._foreign_http, url, method, data)
            if not (response.is_redirect and self.http.options['allow_redirects']):
                return self._page(url, response)
            response.close()
            url = redirect_target(url, response.headers['Location'], start)
            own = same_origin(start, urlsplit(url))
            if response.status_code == 303 or (response.status_code in (301, 302) and method == 'POST'):
                method, data = ('HEAD' if method == 'HEAD' else 'GET'), None
        raise Fault('redirect', f'more than {MAX_REDIRECTS} in a row')

    @property
    def certificate_days_left(self) -> float | None:
        """The days until the certificate of the page's own origin expires, if a connection of this run has one."""
        return days_left(self._own_session.certificate) if self._own_session.certificate else None

    def finish(self) -> None:
        """Leave nothing open."""
        if not is_affirmative(self._instance.get('persist_connections')):
            self._own_session.finish()
        self._own_session.certificate = None
        self._foreign_session.finish()

    def _page(self, url: str, response: Response) -> Page:
        return Page(url, response, self.deadline)

    def _request(self, http: RequestsWrapper, url: str, method: str, data: Data) -> Response:
        # The wrapper logs the URL that it is given, so user info and query travel beside it.
        options: dict[str, Any] = {
            'params': urlsplit(url).query,
            'data': data.encode() if isinstance(data, str) else data,
        }
        if '@' in url and any(auth := get_auth_from_url(url)) and not http.options['auth']:
            options['auth'] = auth
        try:
            request = getattr(http, METHODS.get(method, method.lower()))
            return request(public_url(url), stream=True, persist=True, allow_redirects=False, **options)
        except ssl.SSLError as e:
            raise Fault('TLS', f'a configured certificate or key cannot be used: {tls_cause(e)}') from None
        except (RequestException, HTTPError):
            raise Fault('connect', f'no request to {urlsplit(url).hostname} can be made with these options') from None
