"""URLs as browsers read them: where they lead, what goes out, and which may know what is configured for another.

`urllib.parse` follows RFC 3986, loses the `?` of an empty query, and keeps what it parsed in caches of its own, which a
server fills with megabytes. So this page parses http and https URLs by the URL standard (https://url.spec.whatwg.org)
and gives `SplitResult`s; one with an empty query has its `?` at the end of the path.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, unquote_to_bytes

from datadog_checks.awesome.fault import Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_PORTS = {'http': 80, 'https': 443}
# In characters (RFC 1035, 2.3.4).
LABEL_LENGTH = 63
HOST_LENGTH = 253

CONTROLS_AND_SPACE = ''.join(map(chr, range(33)))
URL = re.compile(r'(https?)://([^/\\?#]*)([^?#]*)(\?[^#]*)?(#.*)?', re.IGNORECASE | re.DOTALL)
SCHEME = re.compile(r'([a-z][a-z0-9+.-]*):', re.IGNORECASE)
PORT = re.compile(r'0*([1-9][0-9]{0,4})')
# RFC 6874, and without its escape as most tools write it. No system gives an interface a longer name.
ZONE = re.compile(r'%(?:25)?([\w.~-]{1,64})', re.ASCII)
# "Forbidden domain code point" of the URL standard.
FORBIDDEN_IN_HOST = re.compile(r'[\x00-\x20#%/:<>?@\[\\\]^|\x7f]')
# What neither a request line nor RFC 3986 has a place for.
ESCAPE = re.compile('%[0-9A-Fa-f]{2}')
UNRESERVED = frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~')
UNSENDABLE = re.compile(r'[^!-~]+|["<>\\^`{|}]+')


def parse_url(url: str) -> SplitResult:
    """Return the parts of an http or https URL, its host in ASCII; raise ValueError, in words for its author."""
    match = URL.fullmatch(_clean(url))
    if not match:
        raise ValueError('must start with http:// or https:// and a host')
    scheme, netloc, path, query, fragment = match.groups(default='')
    user_info, at, host_and_port = netloc.rpartition('@')
    netloc = f'{user_info}{at}{_host_and_port(host_and_port)}'
    path = path.replace('\\', '/')
    if query == '?':
        path = f'{path or "/"}?'
    return SplitResult(scheme.lower(), netloc, path, query[1:], fragment[1:])


def public_url(parts: SplitResult) -> str:
    """Return a URL without what may be secret: user info, query and fragment."""
    return f'{parts.scheme}://{parts.netloc.rpartition("@")[2]}{parts.path.partition("?")[0]}'


def request_target(parts: SplitResult) -> str:
    """Return the path and query as they were written, but percent-encode what HTTP cannot carry."""
    path = parts.path if parts.path.startswith('/') else f'/{parts.path}'
    target = f'{path}?{parts.query}' if parts.query else path
    return UNSENDABLE.sub(lambda match: quote(match[0], errors='replace'), target)


def comparable_target(parts: SplitResult) -> str:
    """Return path and query such that equivalent ones are the same (RFC 3986, section 6.2.2, but for `..`)."""
    return ESCAPE.sub(_comparable_escape, request_target(parts))


def _comparable_escape(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if character in UNRESERVED else escape[0].upper()


def request_path(parts: SplitResult) -> str:
    """Return the path of `request_target`."""
    return request_target(parts).partition('?')[0]


def host_header(parts: SplitResult) -> str:
    """Return the value of Host: without an IPv6 zone, which means nothing elsewhere, and without a default port."""
    scheme, host, port = origin(parts)
    host = host.partition('%')[0]
    host = f'[{host}]' if ':' in host else host
    return host if port == DEFAULT_PORTS[scheme] else f'{host}:{port}'


def basic_auth(parts: SplitResult) -> tuple[str, str] | None:
    """Return user name and password of the user info; a missing password is an empty one."""
    name, _, password = parts.netloc.rpartition('@')[0].partition(':')
    return (_unquote(name), _unquote(password)) if name or password else None


def origin(parts: SplitResult) -> tuple[str, str, int]:
    """Return scheme, host and port (RFC 6454)."""
    return _origin(parts.scheme, parts.netloc.rpartition('@')[2])


def same_origin(a: SplitResult, b: SplitResult) -> bool:
    """Return whether `b` may know what is configured for `a`: the same origin, or its upgrade from http to https."""
    (scheme, host, port), other = origin(a), origin(b)
    is_upgrade = (scheme, port) == ('http', 80) and other == ('https', host, 443)
    return is_upgrade or (scheme, host, port) == other


def redirect_target(url: SplitResult, locations: Sequence[str], start: SplitResult) -> SplitResult:
    """Return where the Location lines of a response of `url` lead; raise a `redirect` fault if that is nowhere.

    The lines are bytes read as ISO-8859-1. A target of the origin of `start` gets its user info, and one without a
    fragment that of `url` (RFC 9110, 10.2.2).
    """
    location, *further = dict.fromkeys(map(_clean, locations))
    if further:
        raise Fault(Kind.REDIRECT_TARGET, 'the response has two Location headers that differ')
    target = _join(url, _decode(location))
    if '@' not in target.netloc and same_origin(start, target):
        user_info, at, _ = start.netloc.rpartition('@')
        target = target._replace(netloc=f'{user_info}{at}{target.netloc}')
    return target


def _clean(url: str) -> str:
    return re.sub(r'[\t\r\n]', '', url.strip(CONTROLS_AND_SPACE))


def _decode(location: str) -> str:
    """Return the text of raw bytes: UTF-8, or percent-encoded as they are."""
    try:
        return location.encode('latin-1').decode()
    except UnicodeError:
        return re.sub(r'[^\x00-\x7f]', lambda match: f'%{ord(match[0]):02X}', location)


def _join(base: SplitResult, location: str) -> SplitResult:
    scheme = SCHEME.match(location)
    if scheme and scheme[1].lower() not in DEFAULT_PORTS:
        raise Fault(Kind.REDIRECT_TARGET, "target scheme '{}' is neither http nor https", scheme[1].lower())
    try:
        target = parse_url(_absolute(base, location, scheme[1].lower() if scheme else ''))
    except ValueError:
        raise Fault(Kind.REDIRECT_TARGET, 'the target has no valid host and port') from None
    return target._replace(path=_without_dots(target.path), fragment=target.fragment or base.fragment)


def _absolute(base: SplitResult, location: str, scheme: str) -> str:
    """Return the absolute URL of `location`, whose scheme may be '', as browsers join the two."""
    reference = location[len(scheme) + 1 :] if scheme else location
    rest = reference.lstrip('/\\')
    if len(reference) - len(rest) > 1 or scheme not in ('', base.scheme):
        return f'{scheme or base.scheme}://{rest}'
    target, sign, fragment = reference.partition('#')
    base_target = f'{base.path}?{base.query}' if base.query else base.path
    base_path = base_target.partition('?')[0]
    if not target:
        target = base_target
    elif target[0] == '?':
        target = base_path + target
    elif target[0] not in '/\\':
        target = f'{base_path.rpartition("/")[0]}/{target}'
    return f'{base.scheme}://{base.netloc.rpartition("@")[2]}{target}{sign}{fragment}'


def _without_dots(path: str) -> str:
    """Return `path` without its segments `.` and `..` (RFC 3986, 5.2.4)."""
    path, mark, _ = path.partition('?')
    kept: list[str] = []
    segments = path.split('/')[1:]
    for segment in segments:
        if segment == '..':
            del kept[-1:]
        elif segment != '.':
            kept.append(segment)
    if segments[-1:] in (['.'], ['..']):
        kept.append('')
    return ''.join(f'/{segment}' for segment in kept) + mark


def _unquote(text: str) -> str:
    try:
        return unquote(text, errors='strict')
    except UnicodeDecodeError:
        return unquote(text, 'latin-1')


@lru_cache
def _origin(scheme: str, netloc: str) -> tuple[str, str, int]:
    parts = SplitResult(scheme, netloc, '', '', '')
    return scheme, parts.hostname or '', parts.port or DEFAULT_PORTS[scheme]


def _host_and_port(netloc: str) -> str:
    if netloc.startswith('['):
        host, bracket, port = netloc.partition(']')
        return _ipv6(host + bracket) + _port_suffix(port)
    host, colon, port = netloc.partition(':')
    return _ascii_host(host) + _port_suffix(colon + port)


def _port_suffix(text: str) -> str:
    if text in ('', ':'):
        return ''
    match = PORT.fullmatch(text[1:])
    if not text.startswith(':') or not match or int(match[1]) > 65535:
        raise ValueError('must have a port from 1 to 65535, or none')
    return f':{match[1]}'


def _ipv6(text: str) -> str:
    bare, percent, zone = text[1:].removesuffix(']').partition('%')
    match = ZONE.fullmatch(percent + zone)
    try:
        address = str(ipaddress.IPv6Address(bare if text.endswith(']') else ''))
    except ValueError:
        raise ValueError('must have a valid IPv6 address in brackets') from None
    if percent and not match:
        raise ValueError('must have the name of a network interface after the % of its IPv6 address')
    return f'[{address}%{match[1]}]' if match else f'[{address}]'


def _ascii_host(host: str) -> str:
    host = _decode_host(host)
    host = (host if host.isascii() else _punycode(host)).lower()
    if not host:
        raise ValueError('must have a host')
    if FORBIDDEN_IN_HOST.search(host):
        raise ValueError('must have a host without characters that no host name can have')
    labels = host.removesuffix('.').split('.')
    if not all(0 < len(label) <= LABEL_LENGTH for label in labels) or len(host.removesuffix('.')) > HOST_LENGTH:
        raise ValueError('must have a host whose labels (what the dots separate) have 1 to 63 letters, 253 in all')
    return host


def _decode_host(host: str) -> str:
    try:
        return unquote_to_bytes(host).decode() if '%' in host else host
    except UnicodeError:
        raise ValueError('must have a host in UTF-8') from None


def _punycode(host: str) -> str:
    """Return the ASCII form of a host by UTS 46, which browsers follow; IDNA 2008 alone would refuse emoji."""
    import idna

    if len(host) > HOST_LENGTH:
        raise ValueError('must have a host of at most 253 letters')
    try:
        labels = idna.uts46_remap(host, std3_rules=False).split('.')
    except idna.IDNAError:
        raise ValueError('must have a host without characters that no host name can have') from None
    return '.'.join(label if label.isascii() else f'xn--{label.encode("punycode").decode()}' for label in labels)
