"""What of a URL may be shown, where it leads, and which URLs may know what is configured for another."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import SplitResult, urljoin, urlsplit

from .fault import Fault

DEFAULT_PORTS = {'http': 80, 'https': 443}


@lru_cache
def public_url(url: str) -> str:
    """Give `url` without what may be secret: user info, query and fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition('@')[2], query='', fragment='').geturl()


def redirect_target(url: str, location: str, start: SplitResult) -> str:
    """Give the URL that `location` means in a response of `url`, with the user info of `start` within its origin."""
    try:
        target = urlsplit(urljoin(url, location.encode('latin-1').decode('utf-8', 'replace').strip()))
        valid = target.hostname and target.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise Fault('redirect', 'to a URL without a valid host and port')
    if target.scheme not in DEFAULT_PORTS:
        raise Fault('redirect', f'to a URL that is {target.scheme!r}, neither http nor https')
    if same_origin(start, target) and '@' not in target.netloc and '@' in start.netloc:
        target = target._replace(netloc=f'{start.netloc.rpartition("@")[0]}@{target.netloc}')
    return target.geturl()


def same_origin(start: SplitResult, other: SplitResult) -> bool:
    """Tell whether `other` may know what is configured for `start`: the same origin, or its upgrade to https."""
    upgrade = (start.scheme, _port(start), other.scheme, _port(other)) == ('http', 80, 'https', 443)
    same = (start.scheme, _port(start)) == (other.scheme, _port(other))
    return start.hostname == other.hostname and (same or upgrade)


def _port(parts: SplitResult) -> int:
    return parts.port or DEFAULT_PORTS[parts.scheme]
