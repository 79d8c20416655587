"""The final response of a fetch: what is known of it, and its body as a stream of bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from datadog_checks.awesome.fault import Activity, Fault

from .urls import comparable_target, origin, public_url, redirect_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from urllib.parse import SplitResult

    from .deadline import Deadline
    from .transport import Response

# With a Location, these lead to another page (RFC 9110, section 15.4).
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# In bytes: enough for most pages and for what is near the beginning of the others, which are then read in larger ones.
FIRST_CHUNK_SIZE = 64 * 1024
CHUNK_SIZE = 256 * 1024
# In characters: no time in a header is longer.
MAX_TIME = 64


class Page:
    """A final response; a context manager that leaves nothing of it open."""

    def __init__(self, url: SplitResult, response: Response, deadline: Deadline, redirects: int = 0) -> None:
        self._response = response
        self._deadline = deadline
        self._url = url
        self.url = public_url(url)
        """Where the redirects ended, without user info, query and fragment."""
        self.redirects = redirects
        """How many there were."""
        self.status_code = response.status
        self.content_type = response.headers.get('Content-Type')
        self.content_encoding = response.headers.get('Content-Encoding')
        self.age = _age(response.headers.get('Last-Modified'))
        """The seconds since the page was last modified, if the response has a valid time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    @property
    def status(self) -> str:
        """The status with its standard phrase: "503 Service Unavailable"."""
        return status_with_phrase(self.status_code)

    @property
    def location(self) -> str:
        """Where a redirect leads that was not followed; empty if the page is none or its target no URL."""
        found = locations(self._response) if self.status_code in REDIRECTS else []
        try:
            return public_url(redirect_target(self._url, found, self._url)) if found else ''
        except Fault:
            return ''

    def header_lines(self, name: str) -> list[str]:
        """Return the value of each line of a header, whose name may be in any case; bytes read as ISO-8859-1."""
        return self._response.headers.get_all(name)

    def is_of_origin(self, url: SplitResult) -> bool:
        """Return whether the page is of the origin of `url`."""
        return origin(self._url) == origin(url)

    def begins_with(self, url: SplitResult) -> bool:
        """Return whether the URL at which the redirects ended is of the origin of `url` and begins as that does."""
        return self.is_of_origin(url) and comparable_target(self._url).startswith(comparable_target(url))

    def receive(self) -> Iterator[bytes]:
        """Yield the body as it comes, still compressed; raise `body` and `timeout` faults."""
        self._deadline.begin(Activity.READ)
        if chunk := self._response.read1(FIRST_CHUNK_SIZE):
            yield chunk
            yield from iter(partial(self._response.read1, CHUNK_SIZE), b'')


def locations(response: Response) -> list[str]:
    """Return the values of Location: to browsers, an empty one is none."""
    return list(filter(None, response.headers.get_all('Location')))


@cache
def status_with_phrase(code: int) -> str:
    """Return a status code with its standard phrase, if it has one."""
    try:
        return f'{code} {HTTPStatus(code).phrase}'
    except ValueError:
        return str(code)


def _age(modified: str) -> float | None:
    """Return the seconds since a time in any of the three formats of HTTP (RFC 9110, section 5.6.7)."""
    time = _time(modified[:MAX_TIME])
    return max((datetime.now(UTC) - time).total_seconds(), 0) if time else None


# Most pages say the same in each run.
@lru_cache(maxsize=1024)
def _time(text: str) -> datetime | None:
    try:
        time = parsedate_to_datetime(text)
        # Of the three formats, that of asctime names no time zone.
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (OverflowError, ValueError):
        return None
