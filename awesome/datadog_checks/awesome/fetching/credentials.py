"""Tokens for the header that `auth_token` asks for: from a file, an OAuth endpoint or DC/OS.

The options are those of the base package. Its readers are not used: they take whatever time, memory, proxy and redirect
the endpoint or the environment wants, and log what they get.
"""

from __future__ import annotations

import json
import math
import re
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlencode

from datadog_checks.awesome.fault import Activity, Fault, Kind

from .deadline import ROUNDING, Deadline
from .tls import why_unreadable
from .transport import Request
from .urls import parse_url

if TYPE_CHECKING:
    from .background import Background
    from .transport import Response

# In bytes, of a token file and of the answer of an endpoint.
SIZE_LIMIT = 64 * 1024
# In seconds: for how long a token is good, and a login of DC/OS, where nobody says so.
DEFAULT_LIFETIME = 300
MAX_LIFETIME = 1_000_000_000
PLACEHOLDER = '<TOKEN>'

HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
HEADER_VALUE = re.compile(r'[\t\x20-\x7e\x80-\xff]*')
REQUIRED = {
    'file': ('path',),
    'oauth': ('url', 'client_id', 'client_secret'),
    'dcos_auth': ('login_url', 'service_account', 'private_key_path'),
}
# The base hands `options` to a library that also takes these; here, the options of the instance decide.
NO_PARAMETERS = frozenset(
    {'auth', 'body', 'cert', 'code', 'force_querystring', 'headers', 'method', 'proxies'}
    | {'timeout', 'token_url', 'verify'}
)


class Token(NamedTuple):
    """A token, and for how many seconds it is good."""

    text: str
    lifetime: float = float('inf')


class Reader(Protocol):
    """Where tokens come from."""

    place: str
    """The host or the path, for messages."""

    def read(self) -> Token: ...


class TokenSource:
    """The token of one check, fetched when it is needed and kept until it expires or is refused."""

    def __init__(
        self,
        auth_token: Mapping[str, Any],
        send: Callable[[Request], Response],
        background: Background,
        deadline: Deadline,
        add_secret: Callable[[str], None],
    ) -> None:
        files = _Files(background, deadline)
        self._reader = _reader(auth_token['reader'], files, lambda url: _Endpoint(url, send, deadline))
        self._writer = auth_token['writer']
        self._add_secret = add_secret
        self._token: str | None = None
        self._end = float('-inf')

    def header(self, renew: bool = False) -> tuple[str, str]:
        """Return name and value of the header, with a new token if the kept one expired or is to `renew`.

        Raises a fault that says why there is none.
        """
        if renew or time.monotonic() >= self._end:
            self._end = float('-inf')
            text, lifetime = self._reader.read()
            self._add_secret(text)
            if not text or not HEADER_VALUE.fullmatch(text):
                cause = 'the token has characters that a header cannot carry' if text else 'the token is empty'
                raise _no_token(self._reader.place, cause)
            self._token, self._end = text, time.monotonic() + lifetime
        placeholder = self._writer.get('placeholder', PLACEHOLDER)
        value = self._writer.get('value', PLACEHOLDER).replace(placeholder, self._token or '', 1)
        return self._writer['name'], value


def check_auth_token(config: object) -> None:
    """Raise ValueError, in words for its author, if the option `auth_token` is wrong."""
    parts = [config.get(part) for part in ('reader', 'writer')] if isinstance(config, Mapping) else [None, None]
    reader, writer = parts
    if not isinstance(reader, Mapping) or not isinstance(writer, Mapping):
        raise ValueError('must be a mapping with the mappings reader and writer')
    if reader.get('type') not in tuple(REQUIRED):
        raise ValueError('reader.type must be file, oauth or dcos_auth')
    if writer.get('type') != 'header':
        raise ValueError('writer.type must be header')
    for name in REQUIRED[reader['type']]:
        _require_string('reader', reader, name)
    for name in ('url', 'login_url'):
        _check_url(reader, name)
    _check_pattern(reader.get('pattern'))
    _check_optional(reader)
    _check_writer(writer)


def _require_string(part: str, settings: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = settings.get(name, default)
    if value is None:
        raise ValueError(f'{part}.{name} is required')
    if not isinstance(value, str) or not value:
        raise ValueError(f'{part}.{name} must be a string that is not empty')
    _require_characters(f'{part}.{name}', value)
    return value


def _require_characters(name: str, value: object) -> None:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise ValueError(f'{name} must have no half of a surrogate pair (\\ud800 to \\udfff)') from None


def _check_url(reader: Mapping[str, Any], name: str) -> None:
    if name in REQUIRED[reader['type']]:
        try:
            parse_url(reader[name])
        except ValueError as e:
            raise ValueError(f'reader.{name} {e}') from None


def _check_pattern(pattern: object) -> None:
    if pattern is None:
        return
    if not isinstance(pattern, str):
        raise ValueError('reader.pattern must be a string')
    try:
        groups = re.compile(pattern).groups
    except (re.error, OverflowError, RecursionError) as e:
        reason = f': {e.msg}' if isinstance(e, re.error) else ''
        raise ValueError(f'reader.pattern must be a regular expression{reason}') from None
    if groups != 1:
        raise ValueError(f'reader.pattern must have one group, which is the token, not {groups}')


def _check_optional(reader: Mapping[str, Any]) -> None:
    if not isinstance(reader.get('basic_auth', False), bool):
        raise ValueError('reader.basic_auth must be true or false')
    expiration = reader.get('expiration', DEFAULT_LIFETIME)
    if isinstance(expiration, bool) or not isinstance(expiration, int) or not 0 < expiration < MAX_LIFETIME:
        raise ValueError('reader.expiration must be a whole number of seconds above 0')
    options = reader.get('options', {})
    if not isinstance(options, Mapping):
        raise ValueError('reader.options must be a mapping such as {audience: https://example.com}')
    for name in NO_PARAMETERS.intersection(options):
        raise ValueError(f'reader.options must be parameters for the endpoint: {name} is none')
    for name, value in options.items():
        if not isinstance(name, str):
            raise ValueError('reader.options must have strings as names: put them in quotes')
        for text in (name, *(value if isinstance(value, list | tuple) else [value])):
            _require_characters('reader.options', text)
        if not isinstance(value, str | int | float | list | tuple):
            raise ValueError(f'reader.options.{name} must be a string, a number or a list of them')


def _check_writer(writer: Mapping[str, Any]) -> None:
    if not HEADER_NAME.fullmatch(_require_string('writer', writer, 'name')):
        raise ValueError('writer.name must be the name of a header, such as Authorization')
    placeholder = _require_string('writer', writer, 'placeholder', PLACEHOLDER)
    value = _require_string('writer', writer, 'value', PLACEHOLDER)
    if placeholder not in value:
        raise ValueError('writer.value must contain the placeholder of the token (writer.placeholder, or <TOKEN>)')
    if not HEADER_VALUE.fullmatch(value.replace(placeholder, '', 1)):
        raise ValueError('writer.value must have only characters that a header can carry: ISO-8859-1, one line')


def _reader(settings: Mapping[str, Any], files: _Files, endpoint: Callable[[str], _Endpoint]) -> Reader:
    if settings['type'] == 'file':
        return _FileReader(settings, files)
    if settings['type'] == 'oauth':
        return _OAuthReader(settings, endpoint(settings['url']))
    return _DCOSReader(settings, files, endpoint(settings['login_url']))


class _Files:
    """Small files, read in a thread: what blocks there, such as a FIFO, ends at the deadline."""

    def __init__(self, background: Background, deadline: Deadline) -> None:
        self._background, self._deadline = background, deadline

    def read(self, path: str) -> bytes:
        self._deadline.begin(Activity.TOKEN, path)
        try:
            content = self._background.run(('token file', path), lambda: _read_file(path))
        except (OSError, ValueError) as e:
            raise _no_token(path, why_unreadable(e)) from None
        if len(content) > SIZE_LIMIT:
            raise _no_token(path, 'it has more than 64 KiB')
        return content


def _read_file(path: str) -> bytes:
    with open(path, 'rb') as file:
        return file.read(SIZE_LIMIT + 1)


class _Endpoint:
    """A URL that takes a login and answers with JSON."""

    def __init__(self, url: str, send: Callable[[Request], Response], deadline: Deadline) -> None:
        parts = parse_url(url)
        self._url = parts._replace(netloc=parts.netloc.rpartition('@')[2], fragment='')
        self.host = parts.hostname or ''
        self._send, self._deadline = send, deadline

    def post(self, headers: Mapping[str, str], body: bytes, field: str) -> tuple[str, Mapping[str, Any]]:
        """Return the token in `field` of the JSON that answers, and all of that."""
        self._deadline.begin(Activity.TOKEN, self.host)
        try:
            status, answer = self._exchange(headers, body)
        except Fault as fault:
            raise self._fault(fault) from None
        return self._token(status, answer, field)

    def _exchange(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        from datadog_checks.base.utils.headers import get_default_headers

        user_agent = get_default_headers()['User-Agent']
        own = {'User-Agent': user_agent, 'Accept': 'application/json', 'Accept-Encoding': 'identity'}
        response = self._send(Request('POST', self._url, tuple((own | dict(headers)).items()), body))
        self._deadline.begin(Activity.TOKEN, self.host)
        try:
            answer = bytearray()
            while len(answer) <= SIZE_LIMIT and (piece := response.read1(SIZE_LIMIT + 1 - len(answer))):
                answer += piece
            return response.status, bytes(answer)
        finally:
            response.close()

    def _fault(self, fault: Fault) -> Fault:
        """Return the fault of a run that got no token: a timeout only if its time is over."""
        if fault.kind is Kind.TIMEOUT:
            self._deadline.begin(Activity.TOKEN, self.host)
            if self._deadline.remaining() <= ROUNDING:
                return self._deadline.fault()
        _, cause, *values = fault.args
        return _no_token(self.host, cause, *values)

    def _token(self, status: int, answer: bytes, field: str) -> tuple[str, Mapping[str, Any]]:
        if 300 <= status < 400:
            raise _no_token(self.host, f'status {status}: redirects of the endpoint are not followed')
        if len(answer) > SIZE_LIMIT:
            raise _no_token(self.host, 'the answer has more than 64 KiB')
        fields = _parse_object(answer)
        # RFC 6749, 5.2.
        if isinstance(error := fields.get('error'), str):
            raise _no_token(self.host, f"status {status}, error '{{}}'", error)
        if not 200 <= status < 300:
            raise _no_token(self.host, f'status {status}')
        if not isinstance(token := fields.get(field), str):
            raise _no_token(self.host, f'the answer is not JSON with a string {field}')
        return token, fields


def _parse_object(text: bytes) -> Mapping[str, Any]:
    """Return the JSON object of an answer, or an empty one."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


class _FileReader:
    """The text of a file, or what a pattern finds in it."""

    def __init__(self, settings: Mapping[str, Any], files: _Files) -> None:
        self.place: str = settings['path']
        self._pattern, self._files = settings.get('pattern'), files

    def read(self) -> Token:
        try:
            text = self._files.read(self.place).decode('utf-8-sig')
        except UnicodeDecodeError:
            raise _no_token(self.place, 'it is no text in UTF-8') from None
        if self._pattern is None:
            return Token(text.strip())
        match = None if _is_hopeless(self._pattern, text) else re.search(self._pattern, text)
        if not match or match[1] is None:
            raise _no_token(self.place, 'reader.pattern does not match')
        return Token(match[1])


def _is_hopeless(pattern: str, text: str) -> bool:
    """Return whether text is known to have no match: to find that out, Python's engine can take forever.

    It is the engine in pydantic that knows, in time that grows with the text; it does not understand all patterns.
    """
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        engine = SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine='rust-regex'))
    except SchemaError:
        return False
    # Python's `$` also matches before a last line break.
    return not any(map(engine.isinstance_python, {text, text.removesuffix('\n')}))


class _OAuthReader:
    """The client credentials grant of OAuth 2.0 (RFC 6749, 4.4)."""

    def __init__(self, settings: Mapping[str, Any], endpoint: _Endpoint) -> None:
        self.place = endpoint.host
        self._settings, self._endpoint = settings, endpoint

    def read(self) -> Token:
        client = {name: self._settings[name] for name in ('client_id', 'client_secret')}
        options = dict(self._settings.get('options', {}))
        headers = {'Content-Type': 'application/x-www-form-urlencoded'}
        parameters = {'grant_type': 'client_credentials'}
        # As the base's library does whatever `basic_auth` says: each server has to take the header (RFC 6749, 2.3.1).
        if options.pop('include_client_id', False) and not self._settings.get('basic_auth', False):
            parameters |= client
        else:
            headers['Authorization'] = f'Basic {b64encode(":".join(client.values()).encode()).decode()}'
        for name, value in options.items():
            parameters[name] = ' '.join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        token, fields = self._endpoint.post(headers, urlencode(parameters).encode(), 'access_token')
        return Token(token, _lifetime(fields.get('expires_in')))


def _lifetime(expires_in: object) -> float:
    """Return the seconds for which a token is good; `expires_in` is optional (RFC 6749, 5.1), and often a string."""
    try:
        seconds = float(expires_in) if isinstance(expires_in, int | float | str) else DEFAULT_LIFETIME
    except (OverflowError, ValueError):
        return DEFAULT_LIFETIME
    return DEFAULT_LIFETIME if math.isnan(seconds) else max(seconds, 0)


class _DCOSReader:
    """The login of a service account of DC/OS, by a token that it signs itself."""

    def __init__(self, settings: Mapping[str, Any], files: _Files, endpoint: _Endpoint) -> None:
        self.place = endpoint.host
        self._settings, self._files, self._endpoint = settings, files, endpoint

    def read(self) -> Token:
        path = self._settings['private_key_path']
        end = int(time.time() + self._settings.get('expiration', DEFAULT_LIFETIME))
        claims = {'uid': self._settings['service_account'], 'exp': end}
        login = {**claims, 'token': _sign(claims, self._files.read(path), path)}
        headers = {'Content-Type': 'application/json'}
        return Token(self._endpoint.post(headers, json.dumps(login).encode(), 'token')[0])


def _sign(claims: Mapping[str, Any], key: bytes, path: str) -> str:
    """Return a JSON Web Token of `claims`, signed by RS256 (RFC 7519)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        private_key = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _no_token(path, 'it has no private key in PEM format without a password') from None
    if not isinstance(private_key, rsa.RSAPrivateKey):
        raise _no_token(path, 'its key is not an RSA key')
    text = b'.'.join(_base64url(json.dumps(part).encode()) for part in ({'alg': 'RS256', 'typ': 'JWT'}, claims))
    signature = private_key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return b'.'.join((text, _base64url(signature))).decode()


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b'=')


def _no_token(place: str, cause: str, *values: object) -> Fault:
    return Fault(Kind.TOKEN, f'no token from {{}}: {cause}', place, *values)
