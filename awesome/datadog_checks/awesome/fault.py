"""Why a run could not decide about its page, as data: messages and remedies are made from it."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class Step(StrEnum):
    """The step of a run that failed: what the message of a CRITICAL begins with."""

    DNS = 'DNS'
    CONNECT = 'connect'
    TLS = 'TLS'
    TIMEOUT = 'timeout'
    STATUS = 'status'
    REDIRECT = 'redirect'
    BODY = 'body'
    INTERNAL = 'internal error in the check'


class Kind(Enum):
    """What went wrong: a member for each remedy, with the step at which it shows."""

    UNKNOWN_HOST = Step.DNS, 1
    INVALID_HOST = Step.DNS, 2
    LOOKUP = Step.DNS, 3
    NO_ADDRESS = Step.DNS, 4

    REFUSED = Step.CONNECT, 1
    UNREACHABLE = Step.CONNECT, 2
    CONNECT = Step.CONNECT, 3
    RESOURCES = Step.CONNECT, 4
    PROXY = Step.CONNECT, 5
    PROXY_LOGIN = Step.CONNECT, 6
    TOKEN = Step.CONNECT, 7

    EXPIRED = Step.TLS, 1
    ISSUER_EXPIRED = Step.TLS, 2
    NOT_YET_VALID = Step.TLS, 3
    SELF_SIGNED = Step.TLS, 4
    UNKNOWN_ISSUER = Step.TLS, 5
    WRONG_NAME = Step.TLS, 6
    CERTIFICATE = Step.TLS, 7
    CLIENT_CERTIFICATE = Step.TLS, 8
    NOT_TLS = Step.TLS, 9
    HANDSHAKE = Step.TLS, 10
    FILE = Step.TLS, 11

    TIMEOUT = Step.TIMEOUT, 1

    CLOSED = Step.STATUS, 1
    RESET = Step.STATUS, 2
    NOT_HTTP = Step.STATUS, 3
    HTTP2 = Step.STATUS, 4
    WANTS_TLS = Step.STATUS, 5
    HEADERS = Step.STATUS, 6
    LOGIN = Step.STATUS, 7
    UNAUTHORIZED = Step.STATUS, 8
    FORBIDDEN = Step.STATUS, 9
    NOT_FOUND = Step.STATUS, 10
    PROXY_UNAUTHORIZED = Step.STATUS, 11
    TOO_MANY_REQUESTS = Step.STATUS, 12
    BAD_GATEWAY = Step.STATUS, 13
    UNAVAILABLE = Step.STATUS, 14
    GATEWAY_TIMEOUT = Step.STATUS, 15
    NOT_FOLLOWED = Step.STATUS, 16
    SERVER_ERROR = Step.STATUS, 17
    STATUS = Step.STATUS, 18

    TOO_MANY_REDIRECTS = Step.REDIRECT, 1
    REDIRECT_TARGET = Step.REDIRECT, 2
    REDIRECT_WITH_DATA = Step.REDIRECT, 3
    NO_REDIRECTS = Step.REDIRECT, 4

    BROKEN_OFF = Step.BODY, 1
    COMPRESSION = Step.BODY, 2
    CODING = Step.BODY, 3

    INTERNAL = Step.INTERNAL, 1

    @property
    def step(self) -> Step:
        return self.value[0]


# Of statuses that do not count; of all others by their first digit.
STATUS_KINDS = {
    401: Kind.UNAUTHORIZED,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    407: Kind.PROXY_UNAUTHORIZED,
    429: Kind.TOO_MANY_REQUESTS,
    502: Kind.BAD_GATEWAY,
    503: Kind.UNAVAILABLE,
    504: Kind.GATEWAY_TIMEOUT,
}
STATUS_CLASS_KINDS = {3: Kind.NOT_FOLLOWED, 5: Kind.SERVER_ERROR}


class Activity(Enum):
    """What a run is doing, in words for a timeout, and the step that it belongs to."""

    # In C: that of Enum is Python, and each run counts seconds by activity.
    __hash__ = object.__hash__

    START = 'while starting', Step.CONNECT
    TOKEN = 'while getting a token from {}', Step.CONNECT
    LOGIN = 'while logging in', Step.CONNECT
    LOOKUP = 'while looking up {}', Step.DNS
    FILES = 'while reading {}', Step.TLS
    CONNECT = 'while connecting to {} port {}', Step.CONNECT
    PROXY = 'while connecting through the proxy', Step.CONNECT
    HANDSHAKE = 'during the TLS handshake', Step.TLS
    SEND = 'while sending the request', Step.STATUS
    WAIT = 'while waiting for the response', Step.STATUS
    READ = 'while reading the page', Step.BODY
    SEARCH = 'while searching the page', Step.BODY

    @property
    def phrase(self) -> str:
        return self.value[0]

    @property
    def step(self) -> Step:
        return self.value[1]


class Fault(Exception):
    """The page could not be fetched or read: the kind, and the cause as our words around values.

    The values may be foreign, hostile and of any length, so they stay apart from the words, and can be masked and
    shortened alone: `Fault(Kind.REFUSED, 'connection refused by {} port {}', host, port)`.
    """

    def __init__(self, kind: Kind, cause: str, *values: object) -> None:
        super().__init__(kind, cause, *values)
        self.kind = kind
        self.activity: Activity | None = None
        """What was being done when the time was over, for a timeout."""
        self.brief = ''
        """The cause without host and port, if a pinned address takes no connection: for where the address is told."""
        self.proxy = ''
        """The URL of the proxy that was used, without its login."""
        self.of_proxy: tuple[str, int] | None = None
        """Host and port of that proxy, if it could not be reached."""
        self.challenges: list[str] = []
        """The values of WWW-Authenticate of a 401: foreign."""
        self.login = ''
        """How the request that got them logged in: an `auth_type`, `auth_token` or `headers`; empty if it did not."""
        self.location = ''
        """Where a redirect leads that was not followed."""
        self._cause = cause
        self._values: tuple[object, ...] = values

    @property
    def step(self) -> Step:
        """The step at which a run failed: for a timeout, that of what was being done."""
        return self.activity.step if self.activity else self.kind.step

    def with_proxy(self, host: str, port: int) -> Self:
        """Return the fault of a connection as that of one to the proxy."""
        self.of_proxy = host, port
        self._cause = self._cause.replace('{}', 'the proxy {}', 1)
        self.args = (self.kind, self._cause, *self._values)
        return self

    def masked(self, mask: Callable[[str], str]) -> Self:
        """Return the fault with its values masked for good."""
        self._values = tuple(mask(str(value)) for value in self._values)
        self.args = (self.kind, self._cause, *self._values)
        self.proxy, self.location = mask(self.proxy), mask(self.location)
        if self.of_proxy:
            self.of_proxy = mask(self.of_proxy[0]), self.of_proxy[1]
        return self

    def describe(self, shorten: Callable[[str], str] = str) -> str:
        """Return the message "step: cause", with each value as `shorten` returns it."""
        cause = self._cause.format(*(shorten(str(value)) for value in self._values))
        return cause if self.kind is Kind.INTERNAL else f'{self.kind.step}: {cause}'

    def __str__(self) -> str:
        """Return the words without the values: whoever logs a fault by chance reveals nothing."""
        return self._cause


def unexpected_status(code: int, status: str, expected: str) -> Fault:
    """Return the fault of a page with a status that does not count; `expected` is what does if that is configured."""
    kind = STATUS_KINDS.get(code) or STATUS_CLASS_KINDS.get(code // 100, Kind.STATUS)
    if expected:
        return Fault(kind, '{}, not {}', status, expected)
    return Fault(kind, '{}', status)
