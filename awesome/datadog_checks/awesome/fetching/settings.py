"""How a check reaches servers: the HTTP options of the base package's template, in plain types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# What travels to the origin of `url` alone, where the same TLS options hold for every server.
PRIVATE_TLS_OPTIONS = frozenset({'tls_cert', 'tls_private_key', 'tls_private_key_password', 'tls_use_host_header'})
# Logging in with one of these is a conversation, which the base package's client leads.
CONVERSATIONS = frozenset({'aws', 'digest', 'kerberos', 'ntlm'})


@dataclass(frozen=True)
class ClientOptions:
    """How an instance reaches servers: the HTTP options of the base package's template."""

    default_headers: Mapping[str, str]
    headers: Mapping[str, str]
    """For the origin of the URL: the default ones and the configured ones."""
    username: str | None
    password: str | None
    auth_encoding: str
    auth_type: str
    """`basic`, or one of the conversations."""
    auth_options: Mapping[str, Any]
    """What the base package's client is told to log in."""
    auth_token: Mapping[str, Any] | None
    tls: Mapping[str, Any]
    use_host_header: bool
    proxies: Mapping[str, str]
    """The URLs of proxies by the scheme of the page."""
    no_proxy: tuple[str, ...]
    connect_timeout: float | None
    read_timeout: float | None
    allow_redirects: bool
    persist: bool
    log_requests: bool

    @property
    def shared_tls(self) -> dict[str, Any]:
        """The TLS options that other origins may know."""
        return {name: value for name, value in self.tls.items() if name not in PRIVATE_TLS_OPTIONS}


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return the value of the header that is `name` in lower case; None without one."""
    return next((value for other, value in headers.items() if other.lower() == name), None)


def merged(*mappings: Mapping[str, Any]) -> dict[str, str]:
    """Return headers in which later ones replace earlier ones of the same name, in any case.

    Blanks around a value are no part of it (RFC 9110, section 5.5).
    """
    lines: dict[str, tuple[str, str]] = {}
    for mapping in mappings:
        lines |= {str(name).lower(): (str(name), str(value).strip(' \t')) for name, value in mapping.items()}
    return dict(lines.values())
