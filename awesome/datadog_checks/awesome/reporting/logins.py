"""What to do about a 401, by what the server asks for and how the run logged in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# In the order in which to suggest them, what each takes.
SCHEMES = {
    'Basic': '`username` and `password`',
    'Digest': '`auth_type: digest`, `username`, and `password`',
    'Bearer': '`auth_token`, or a header Authorization in `headers`',
    'Negotiate': '`auth_type: kerberos`',
    'NTLM': '`auth_type: ntlm`, `ntlm_domain`, and `password`',
}
# Which of them are those of a login that is configured, and what the server refuses then.
LOGINS = {
    'basic': (('Basic',), 'user name or password'),
    'digest': (('Digest',), 'user name or password'),
    'ntlm': (('NTLM', 'Negotiate'), 'user name or password'),
    'kerberos': (('Negotiate',), 'Kerberos login: check the `kerberos_` options'),
    'auth_token': (('Bearer',), 'token: check `auth_token`'),
    'headers': (tuple(SCHEMES), 'header Authorization: correct it in `headers`'),
}
QUOTED = re.compile(r'"[^"]*"?')
CHALLENGE = re.compile(rf'(?:^|,)[ \t]*({"|".join(SCHEMES)})(?=[ \t]*(?:,|$)|[ \t]+[^ \t=])', re.IGNORECASE)


def unauthorized(challenges: Iterable[str], login: str) -> str:
    """Return what to do about a 401 with these values of WWW-Authenticate; empty if none asks for a known login.

    `login` is a key of LOGINS, another `auth_type`, or empty. Of what the server says, only the known names count.
    """
    asked = {match.lower() for value in challenges for match in CHALLENGE.findall(QUOTED.sub('', value))}
    offered = [scheme for scheme in SCHEMES if scheme.lower() in asked]
    own, refused = LOGINS.get(login, ((), ''))
    if any(scheme in own for scheme in offered):
        return f'The server refuses the {refused}.'
    if not offered:
        return ''
    scheme, settings = offered[0], SCHEMES[offered[0]]
    if (login, scheme) == ('basic', 'Digest'):
        settings = '`auth_type: digest`'
    elif scheme == 'Basic' and login not in ('', 'auth_token'):
        settings = f'`auth_type: basic`, {settings.replace(" and", ", and")}'
    return f'The server asks for {"a Bearer token" if scheme == "Bearer" else scheme}: set {settings}.'
