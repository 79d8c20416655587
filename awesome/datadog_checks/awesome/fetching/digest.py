"""The digest login (RFC 7616) that requests leads, with challenges as servers write them.

requests takes all that a server offers for one challenge, in lower case and without blanks, and writes what it got
without escapes. So it is given one challenge that it can answer, and what it wrote is mended.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from requests.auth import HTTPDigestAuth

if TYPE_CHECKING:
    from collections.abc import Mapping

# What requests can sign with.
ALGORITHMS = frozenset({'MD5', 'MD5-SESS', 'SHA', 'SHA-256', 'SHA-512'})
# The members of a list of challenges (RFC 9110, section 11.6.1): each is a parameter, the first of one after a scheme.
MEMBER = re.compile(r'(?:[^",]++|"(?:[^"\\]++|\\.)*+"?)++', re.DOTALL)
NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
PARAMETER = re.compile(rf'(?:({NAME})[ \t]++)?({NAME})[ \t]*+=[ \t]*+(.*)', re.DOTALL)
SCHEME = re.compile(rf'({NAME})(?:[ \t].*)?', re.DOTALL)
ESCAPED = re.compile(r'\\(.)', re.DOTALL)
TO_ESCAPE = re.compile(r'(["\\])')


class DigestAuth(HTTPDigestAuth):
    """Answers the first challenge that it can, and signs all of a target."""

    def __init__(self, username: str, password: str) -> None:
        super().__init__(username, password)
        self._challenge: dict[str, str] = {}

    def handle_401(self, r: Any, **kwargs: Any) -> Any:
        """Log in if a response asks for it; raise ValueError if it asks for what cannot be done."""
        challenge = _choose(r.headers.pop('WWW-Authenticate', ''))
        if challenge is not None:
            self._challenge = challenge
            parameters = [f'{name}="{_escape(value)}"' for name, value in challenge.items()]
            r.headers['WWW-Authenticate'] = f'Digest {", ".join(parameters)}'
        return super().handle_401(r, **kwargs)

    def build_digest_header(self, method: str, url: str) -> str:
        """Return the value of Authorization for a request."""
        # requests leaves out what follows a semicolon. Of schemes that it does not know, urllib.parse splits none off.
        login = str(super().build_digest_header(method, f'x-{url}'))
        for name, value in {**self._challenge, 'username': str(self.username)}.items():
            login = login.replace(f'{name}="{value}"', f'{name}="{_escape(value)}"', 1)
        return login


def _choose(value: str) -> dict[str, str] | None:
    """Return the first challenge for a digest that can be answered, None if there is none for a digest.

    Raises ValueError if none of those for a digest can.
    """
    found = [parameters for scheme, parameters in _challenges(value) if scheme == 'digest']
    for challenge in found:
        if not _unsupported(challenge):
            return challenge | ({'qop': 'auth'} if challenge.get('qop') else {})
    if found:
        raise ValueError(f'{_unsupported(found[0])} is not supported')
    return None


def _unsupported(challenge: Mapping[str, str]) -> str:
    """Return what a challenge asks for that requests cannot do."""
    algorithm, qop = challenge.get('algorithm', 'MD5'), challenge.get('qop', '')
    if algorithm.upper() not in ALGORITHMS:
        return f'the algorithm {algorithm}'
    return f'qop {qop}' if qop and 'auth' not in [member.strip().lower() for member in qop.split(',')] else ''


def _challenges(value: str) -> list[tuple[str, dict[str, str]]]:
    """Return the challenges of a value of WWW-Authenticate: each its scheme and parameters, names in lower case."""
    challenges: list[tuple[str, dict[str, str]]] = []
    for member in MEMBER.findall(value):
        parameter, scheme = PARAMETER.fullmatch(member.strip()), SCHEME.fullmatch(member.strip())
        if parameter:
            if parameter[1]:
                challenges.append((parameter[1].lower(), {}))
            if challenges:
                challenges[-1][1][parameter[2].lower()] = _unquote(parameter[3])
        elif scheme:
            challenges.append((scheme[1].lower(), {}))
    return challenges


def _unquote(value: str) -> str:
    return ESCAPED.sub(r'\1', value[1:].removesuffix('"')) if value.startswith('"') else value


def _escape(value: str) -> str:
    return TO_ESCAPE.sub(r'\\\1', value)
