"""What to do first about each kind of fault, on the machine where it is done."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from datadog_checks.awesome.fault import Activity, Fault, Kind
from datadog_checks.awesome.fetching.urls import origin

from .logins import unauthorized
from .message import shorten_value

if TYPE_CHECKING:
    from datadog_checks.awesome.options import PageOptions

_BEHIND = 'A proxy or load balancer answers, but not the server behind it: check that server, then its own log.'
_PROXY = 'Check the `proxy` options of the instance, of init_config, and of datadog.yaml, and the log of the proxy.'
_EXPECTED = ' If this status is right, set `http_response_status_code`.'
_PROXY_LOGIN = 'Put the name and password of the proxy into the URL of `proxy`: http://NAME:PASSWORD@proxy:3128'

REMEDIES: dict[Kind, str] = {
    Kind.UNKNOWN_HOST: 'Check the host in `url`, and whether this machine can resolve it: getent hosts {host}',
    Kind.INVALID_HOST: 'Correct the host name: its labels have at most 63 letters, digits, and hyphens.',
    Kind.LOOKUP: 'Check the name servers that this machine uses: getent hosts {host}; cat /etc/resolv.conf',
    Kind.NO_ADDRESS: 'Give the host an address of that kind, or change `ip_protocol`: getent ahosts {host}',
    Kind.REFUSED: 'Check that the server runs and listens on this port, and that no firewall refuses it.',
    Kind.UNREACHABLE: 'Check the routes of this machine and the firewalls on the way: ip route get {host}',
    Kind.CONNECT: 'Check that this machine may reach the server: routes, firewalls, proxies. Try: curl -v {url}',
    Kind.RESOURCES: 'The Agent has no more sockets or threads: raise its limit of open files (LimitNOFILE of its unit),'
    ' or look for the check that holds them: datadog-agent status',
    Kind.PROXY: _PROXY,
    Kind.PROXY_LOGIN: _PROXY_LOGIN,
    Kind.TOKEN: 'Check the `auth_token` option, and that dd-agent can read its file or reach its server.',
    Kind.EXPIRED: "Renew the server's certificate, then reload the server.",
    Kind.ISSUER_EXPIRED: 'Let the server send the current certificate of its issuer: the expired one is in its chain.',
    Kind.NOT_YET_VALID: 'Check the clock of this machine (timedatectl), and when the certificate becomes valid.',
    Kind.SELF_SIGNED: 'Set `tls_ca_cert` to a file with the certificate of the authority, or with this certificate.',
    Kind.UNKNOWN_ISSUER: 'Set `tls_ca_cert` to a file with the certificate of the authority, or let the server send its'
    ' intermediate certificates: openssl s_client -connect {authority} -showcerts </dev/null',
    Kind.WRONG_NAME: 'Use a host name in `url` that the certificate has; see also `tls_use_host_header`.',
    Kind.CERTIFICATE: 'Look at the certificate: openssl s_client -connect {authority} -showcerts </dev/null',
    Kind.CLIENT_CERTIFICATE: 'Set `tls_cert` and `tls_private_key` to a certificate that the server accepts.',
    Kind.NOT_TLS: 'Use http:// in `url`, or the port on which the server speaks TLS.',
    Kind.HANDSHAKE: 'Compare with another client, and read the log of the server:'
    ' openssl s_client -connect {authority} </dev/null',
    Kind.FILE: 'Check the option that the message names, and that dd-agent can read its file.',
    Kind.TIMEOUT: 'Find out what is slow, or raise `timeout`. Compare with: time curl -sS -o /dev/null {url}',
    Kind.CLOSED: 'Read the log of the server; check whether it wants https.',
    Kind.RESET: 'Check whether the port wants https, then read the log of the server and of the firewalls on the way.',
    Kind.NOT_HTTP: 'Check that an HTTP server listens on this port.',
    Kind.HTTP2: 'Let the server offer HTTP/1.1 too: the check does not speak HTTP/2.',
    Kind.WANTS_TLS: 'Use https:// in `url`.',
    Kind.HEADERS: 'Let the server send less than 256 KiB of headers: curl -sS -o /dev/null -D - {url}',
    Kind.LOGIN: 'Check `auth_type` against what the server offers: curl -sS -o /dev/null -D - {url}',
    Kind.UNAUTHORIZED: 'Set `username` and `password`, `auth_token`, or `headers`, or correct them.',
    Kind.FORBIDDEN: 'Check whether the page needs a login (`username`, `auth_token`, `headers`), and whether the server'
    ' refuses this machine or the User-Agent.' + _EXPECTED,
    Kind.NOT_FOUND: 'Check the path in `url`.' + _EXPECTED,
    Kind.PROXY_UNAUTHORIZED: _PROXY_LOGIN,
    Kind.TOO_MANY_REQUESTS: 'The server limits requests: check less often (`min_collection_interval`), or have it'
    ' allow this machine.',
    Kind.BAD_GATEWAY: _BEHIND,
    Kind.UNAVAILABLE: 'The server is overloaded, starting, or in maintenance: check it, and the servers behind it.'
    + _EXPECTED,
    Kind.GATEWAY_TIMEOUT: _BEHIND,
    Kind.NOT_FOLLOWED: 'Check where it redirects to, and `allow_redirects`: curl -sS -o /dev/null -D - {url}',
    Kind.SERVER_ERROR: 'The server failed: read its log.' + _EXPECTED,
    Kind.STATUS: 'See what the server answers: curl -v {url}; `http_response_status_code` says which codes count.',
    Kind.TOO_MANY_REDIRECTS: 'See where it leads: curl -sSL -o /dev/null -D - {url}; pages that need a login or a'
    ' cookie often redirect forever.',
    Kind.REDIRECT_TARGET: 'Correct the Location that the server sends: curl -sS -o /dev/null -D - {url}',
    Kind.REDIRECT_WITH_DATA: 'Use the URL to which the server redirects: curl -sS -o /dev/null -D - {url}',
    Kind.NO_REDIRECTS: 'Use the URL to which the server redirects, or raise `max_redirects`.',
    Kind.BROKEN_OFF: 'The server or a proxy before it cut the page off: read their logs.',
    Kind.COMPRESSION: 'The server or a proxy before it damaged the page. Compare with a page that is not compressed:'
    ' set `headers: {{Accept-Encoding: identity}}`',
    Kind.CODING: 'Set `headers: {{Accept-Encoding: gzip}}`, or let the server compress only for clients that ask for'
    ' it.',
    Kind.INTERNAL: 'Read the log of the Agent, and report what it says as a bug of this check.',
}

# Of the faults of kind TIMEOUT, those where what was being done says more.
TIMEOUT_REMEDIES: dict[Activity, str] = {
    Activity.LOOKUP: 'A name server does not answer: time getent hosts {host}; cat /etc/resolv.conf',
    Activity.CONNECT: 'A firewall that drops packets, or a host that is down, looks like this: curl -v {url}',
    Activity.PROXY: 'The proxy does not answer, or does not reach the server: check the `proxy` options, and its log.',
    Activity.HANDSHAKE: 'Check that this port speaks TLS (if not, use http:// in `url`), and that no firewall stops'
    ' large packets: openssl s_client -connect {authority} </dev/null',
    Activity.FILES: 'Check the disk or the network file system that has this file: nothing came from there in time.',
    Activity.TOKEN: 'Check the server or file of `auth_token`: nothing came from there in time.',
    Activity.SEARCH: 'This machine could not search the page in time. What is slow are counted repetitions such as'
    ' `{{1,50}}` in a regular expression: use fewer or shorter ones, or search less of the page (`max_body_size`).',
}

# Of the faults of a connection to the proxy, those where it takes something else than with the page's server.
PROXY_REMEDIES: dict[Kind | Activity, str] = {
    Kind.UNKNOWN_HOST: 'Check the host in the `proxy` option, and whether this machine can resolve it:'
    ' getent hosts {host}',
    Kind.REFUSED: _PROXY,
    Kind.CONNECT: _PROXY,
    Kind.NOT_TLS: 'Use http:// in the URL of `proxy`, or the port on which the proxy speaks TLS.',
    Kind.WRONG_NAME: 'Use a host name in the URL of `proxy` that the certificate has.',
    Activity.CONNECT: TIMEOUT_REMEDIES[Activity.PROXY],
}


def remedy(fault: Fault, options: PageOptions) -> str:
    """Return what to do first about a page that could not be fetched or read."""
    if advice := unauthorized(fault.challenges, fault.login):
        return advice
    if fault.kind is Kind.NOT_FOLLOWED and fault.location:
        return f'The page redirects to {shorten_value(fault.location)}, and `allow_redirects` is false.'
    _, host, port = origin(options.url)
    words = TIMEOUT_REMEDIES.get(fault.activity) if fault.activity else None
    words = words or REMEDIES[fault.kind]
    if fault.of_proxy:
        host, port = fault.of_proxy
        words = PROXY_REMEDIES.get(fault.activity or fault.kind, words)
    elif fault.proxy:
        # The way that the check goes; without it, the command may tell of another fault.
        words = words.replace('what is slow', 'whether the proxy or the server is slow')
        words = words.replace('curl ', 'curl -x {proxy} ')
    authority = f'[{host}]:{port}' if ':' in host else f'{host}:{port}'
    texts = {'host': host, 'authority': authority, 'url': options.public_url, 'proxy': fault.proxy}
    return words.format(**{name: shlex.quote(text) for name, text in texts.items()})
