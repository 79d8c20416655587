"""What `datadog-agent diagnose` shows: a line for each step of a run; the first that fails says why and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from datadog_checks.base import AgentCheck, ConfigurationError

from .certificate import validity
from .config_models import InstanceConfig
from .encoding import Decoder
from .explain import as_yaml, explain, impostor, missing_strings
from .message import printable, quote, shorten
from .recorder import RecordedPage, Recorder, Trace
from .report import Report
from .search import Verdict
from .urls import DEFAULT_PORTS, public_url

if TYPE_CHECKING:
    from .check import AwesomeCheck

# By the step of a fault; "text" for the others.
STEPS = {'DNS': 'resolve', 'connect': 'connect', 'TLS': 'TLS', 'status': 'response', 'redirect': 'response'}
# By the first word of what was being done when the time was over; "text" for the others.
STEPS_IN_TIME = {
    'looking': 'resolve',
    'connecting': 'connect',
    'in': 'TLS',
    'sending': 'response',
    'waiting': 'response',
}

# What to do, by what a message has: the first that fits.
REMEDIES = {
    'DNS: ': 'Check the host in `url`, and whether this machine can resolve it: getent hosts {host}',
    'connect: the proxy': 'Check the `proxy` options of the instance, of init_config and of datadog.yaml.',
    'connection refused': 'Check that the server runs and listens on this port, and that no firewall refuses it.',
    'connect: ': 'Check that this machine may reach the server: routes, firewalls, proxies. Try: curl -v {url}',
    'certificate has expired': 'Renew the certificate of the server.',
    'not yet valid': 'Check the clock of this machine, and when the certificate becomes valid.',
    'self-signed': 'Name a file with the certificate of the authority in `tls_ca_cert`.',
    'issuer certificate': 'Name a file with the certificate of the authority in `tls_ca_cert`, or let the server send'
    ' its intermediate certificates.',
    'not valid for': 'Use a host name in `url` that the certificate has; see also `tls_use_host_header`.',
    'configured certificate or key': 'Check `tls_ca_cert`, `tls_cert` and `tls_private_key`.',
    'certificate required': 'The server asks for a certificate of the client: set `tls_cert` and `tls_private_key`.',
    'does not speak TLS': 'Use http:// in `url`, or the port on which the server speaks TLS.',
    'TLS: ': 'Compare with: openssl s_client -connect {host}:{port}',
    'speaks TLS': 'Use https:// in `url`.',
    'timeout: ': 'Find out what is slow, or raise `timeout`. Compare with: time curl -sSo page {url}',
    'status: 401': 'Set `username` and `password`, `auth_token` or `headers`.',
    'status: 403': 'Check whether the page needs a login (`username`, `auth_token`, `headers`), and whether the server'
    ' refuses this machine or the User-Agent.',
    'status: 404': 'Check the path in `url`.',
    'status: 407': 'Put the name and password of the proxy into the URL of `proxy`.',
    'status: 5': 'The server failed: see its log.',
    'status: 3': 'Check where it redirects to, and `allow_redirects`.',
    'not an HTTP response': 'Check that an HTTP server listens on this port.',
    'status: the server closed': 'See the log of the server; check whether it wants https.',
    'status: ': 'Check what the server answers: curl -v {url}; `http_response_status_code` says which codes count.',
    'redirect: ': 'Check where it leads: curl -sSIL {url}; pages that need a login often redirect for ever.',
    'Content-Encoding': 'Set `headers` to `Accept-Encoding: gzip`, or correct the server.',
    'its markup': 'Set `search_in: source`.',
    'body: ': 'The server or a proxy before it broke off or damaged the page: see their logs.',
    '': 'See the log of the Agent.',
}


def diagnose(check: AwesomeCheck) -> None:
    """Do what a run does, and record a line for each step up to the first that fails."""
    try:
        options, rules = check.validate(check.instance or {})
    except ConfigurationError as e:
        remedy = 'Correct conf.yaml; conf.yaml.example says what each option takes.'
        check.diagnosis.fail('configuration', check.sanitize(str(e)), remediation=remedy)
        return
    fetcher = Recorder(check.instance or {}, check.init_config or {}, check.log)
    report = check.examine(options, rules, fetcher)
    url = public_url(options.url)
    page = f'{url} ({options.name})' if options.name else url
    failed = _failed_step(report, fetcher.trace)
    for step, line in _passed(report, fetcher.trace, url).items():
        if step == failed:
            break
        if line:
            check.diagnosis.success(step, shorten(check.sanitize(line)), category=page)
    if failed:
        remedy = after_fault(options, report)
        if fetcher.page and report.verdict and report.decoder:
            remedy = _after_miss(check, options, report.verdict, fetcher.page, report.decoder)
        check.diagnosis.fail(failed, report.message, category=page, remediation=remedy)


def _failed_step(report: Report, trace: Trace) -> str:
    """Give the step that failed; empty if none did."""
    if report.status == AgentCheck.OK:
        return ''
    if report.fault and report.fault.step == 'timeout':
        return STEPS_IN_TIME.get(trace.doing.partition(' ')[0], 'text')
    return STEPS.get(report.fault.step, 'text') if report.fault else 'text'


def _passed(report: Report, trace: Trace, url: str) -> dict[str, str]:
    """Give what to say of each step if it passed; nothing of those that a page has not."""
    page, decoder, days = report.page, report.decoder, report.certificate_days_left
    lines = dict.fromkeys(('resolve', 'connect', 'TLS', 'response', 'text'), '')
    lines['resolve'], lines['connect'] = trace.resolved, trace.connected
    if (page.url if page else url).startswith('https:'):
        lines['TLS'] = 'handshake done' if days is None else f'the certificate {validity(days)}'
    if page:
        redirected = f' from {page.url}' if page.url != url else ''
        lines['response'] = f'status {page.status}{redirected} after {report.first_byte_time:.3f} s'
    if page and decoder:
        lines['text'] = (
            f'it is as it should be in {page.size} bytes; encoding {decoder.encoding} ({decoder.decided_by})'
        )
    return lines


def after_fault(options: InstanceConfig, report: Report) -> str:
    """Say what to do about a page that could not be obtained."""
    parts = urlsplit(options.url)
    remedy = next(remedy for fragment, remedy in REMEDIES.items() if fragment in report.message)
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return remedy.format(host=parts.hostname, port=port, url=public_url(options.url))


def _after_miss(
    check: AwesomeCheck, options: InstanceConfig, verdict: Verdict, page: RecordedPage, decoder: Decoder
) -> str:
    """Say what explains a text that is missing, and what would find it."""
    missing = missing_strings(options, verdict)
    if not missing:
        return 'The page shows what it must not: look at it, and at the log of its server.'
    found = explain(check, options, verdict, page, decoder)
    remedies = [f'{quote(reason.string, 80)}: {reason.why}. Set `{as_yaml(reason.options)}`.' for reason in found]
    if len(found) < len(missing):
        look = f'See what the server sends to this machine: curl -sS {page.url}'
        remedies.append(impostor(page, decoder) or look)
    return printable(check.sanitize(' '.join(remedies)))
