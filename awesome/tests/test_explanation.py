"""What explains that a page lacks a string, as the command says it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.reporting.explanation import RESPELLINGS, Explainer, as_yaml, original
from datadog_checks.awesome.reporting.report import Searched

from .server import Server, response
from .trials import WARNING, line, try_page

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
NOTHING = 'not on the page; ignoring case, markup, and encoding does not help'
SCRIPTED = b'<!doctype html><title>Shop</title><div id="root"></div><script src="/app.js"></script>'


@pytest.mark.parametrize(
    ('answer', 'why'),
    [
        pytest.param(response(b''), 'the page is empty', id='empty'),
        pytest.param(response(b' \r\n\t'), 'the page is empty', id='white space'),
        pytest.param(response(b'', '204 x'), 'the page is empty, as its status says', id='no content'),
        pytest.param(
            response(b'<a href="/">Moved</a>', '302 x'),
            'this is a redirect that leads nowhere: it has no valid target',
            id='redirect without a target',
        ),
        pytest.param(
            response(SCRIPTED),
            'the page loads scripts and has almost no text: look at the URL that the scripts load',
            id='scripts',
        ),
        pytest.param(
            response(b'GIF', Content_Type='image/gif; q=1'), "this is no text, but of the type 'image/gif'", id='image'
        ),
        pytest.param(response(b'%PDF-1.7'), 'this is no text, but a PDF', id='undeclared PDF'),
        pytest.param(response(gzip.compress(b'nginx')), 'this is no text, but a gzip archive', id='undeclared gzip'),
        pytest.param(response(b'<svg/>', Content_Type='image/svg+xml'), NOTHING, id='image of text'),
        pytest.param(
            response(b'<input type=password>'), 'this is a login page: it asks for a password', id='login page'
        ),
        pytest.param(
            response(b'<title>502 Bad Gateway</title>'),
            "this is an error page, by its title '502 Bad Gateway'",
            id='error page',
        ),
        pytest.param(
            response(b'Apache', Content_Type='text/html; charset=utf-9'),
            "the page declares the encoding 'utf-9', which no browser knows: set `encoding`",
            id='unknown encoding',
        ),
        pytest.param(response(b'Apache'), NOTHING, id='nothing'),
    ],
)
def test_page_that_lacks_a_string(answer: bytes, why: str, serve: Serve) -> None:
    status, printed = try_page(serve(answer).url, 'nginx')

    assert (status, line(printed, 'missing')) == (WARNING, f"'nginx': {why}")


@pytest.mark.parametrize(
    ('page', 'string', 'why'),
    [
        pytest.param(
            'it’s — “here”',
            'it\'s - "here"',
            'it is there with typographic quotes or dashes; set search_string: \'it’s — “here”\'',
            id='typography',
        ),
        pytest.param(
            '<b>it&rsquo;s</b>',
            "it's",
            'it is there in the visible text with typographic quotes or dashes;'
            " set search_string: 'it’s', search_in: text",
            id='entity',
        ),
        pytest.param(
            '{"a":1}', '"a": 1', 'it is there with other white space; set search_string: \'"a":1\'', id='JSON'
        ),
        pytest.param('{"a":\n1}', '"a": 1', 'it is in the visible text, but ', id='JSON on lines'),
        pytest.param(
            'a\u00a0–  b',
            'a - b',
            'it is there with other white space, and typographic quotes or dashes; set search_string: ',
            id='both',
        ),
        pytest.param('a…b', 'a..', 'it is there with typographic quotes or dashes', id='half a character'),
        pytest.param(
            'O\u0308l', 'Öl', 'the page writes characters with combining marks; set search_in: text', id='page in NFD'
        ),
        pytest.param(
            'Öl', 'O\u0308l', 'the string has characters with combining marks; set search_in: text', id='string in NFD'
        ),
        pytest.param('<b>ö</b>l', 'öl', 'it is in the visible text, but the source has markup', id='markup'),
        pytest.param(
            'nginx.',
            ' nginx',
            "it is there, but the string begins with a blank; set search_string: 'nginx'",
            id='blank at the beginning',
        ),
    ],
)
def test_string_that_is_there_in_another_spelling(page: str, string: str, why: str, serve: Serve) -> None:
    status, printed = try_page(serve(response(page.encode())).url, string)

    assert status == WARNING
    assert f"': {why}" in line(printed, 'missing')


@pytest.mark.parametrize('options', [[], ['--regex']], ids=['string', 'pattern'])
def test_string_that_ends_with_the_line_break_of_yaml(options: list[str], serve: Serve) -> None:
    status, printed = try_page(serve(response(b'<p>Thank you.')).url, 'Thank you\n', *options)

    assert (status, line(printed, 'missing')) == (
        WARNING,
        '"Thank you\\n": it is there, but the string ends with a line break: write it on one line, or with `>-`;'
        " set search_string: 'Thank you'",
    )


@pytest.mark.parametrize(
    ('page', 'pattern', 'why', 'instead'),
    [
        pytest.param('ok\n', '^ok$', '`$` matches only at the very end', r'^ok\s*$', id='end'),
        pytest.param('ok\n', '^(ok$|no$)', '`$` matches only at the very end', r'^(ok\s*$|no\s*$)', id='ends'),
        pytest.param('1<2', r'1\<2', r'`\<` and `\>` are word boundaries', '1<2', id='word boundaries'),
        pytest.param('x&x', '[a&&b]x', '`&&`, `--` and `~~` in a class', r'[a\&&b]x', id='operators'),
    ],
)
def test_pattern_that_python_reads_in_another_way(
    page: str, pattern: str, why: str, instead: str, serve: Serve
) -> None:
    url = serve(response(page.encode())).url

    missing = line(try_page(url, pattern, '--regex')[1], 'missing')

    assert f"': {why}" in missing
    assert missing.endswith(f"; set search_string: '{instead}'")
    assert try_page(url, instead, '--regex')[0] == 0


def test_redirect_that_is_not_followed_is_named(serve: Serve) -> None:
    server = serve(response(b'Moved', '302 x', Location='/new?token=hunter22'))

    _, printed = try_page(server.url, 'nginx', '--set', 'allow_redirects=false')
    _, unexpected = try_page(
        server.url, 'nginx', '--set', 'allow_redirects=false', '--set', "http_response_status_code='200'"
    )

    assert line(printed, 'missing') == (
        f"'nginx': this is a redirect to {server.url}new, and `allow_redirects` is false"
    )
    assert line(unexpected, 'next step') == f'The page redirects to {server.url}new, and `allow_redirects` is false.'


def test_what_is_said_to_find_a_string_finds_it(serve: Serve) -> None:
    url = serve(response('<b>Öffnungs–zeiten</b> it’s'.encode())).url
    strings = ['Öffnungs-zeiten', "it's"]

    for string in strings:
        change = line(try_page(url, string)[1], 'missing').rpartition('; set ')[2]
        assert try_page(url, string, '--set', change.replace(': ', '=', 1))[0] == 0
    both = line_of_first_missing(try_page(url, *strings)[1])
    assert both.endswith("set search_string: ['Öffnungs–zeiten', 'it''s']")


def line_of_first_missing(printed: str) -> str:
    return next(text for text in printed.splitlines() if text.startswith('  missing'))


def test_encoding_that_no_browser_knows_is_named(serve: Serve) -> None:
    url = serve(response('Café'.encode('cp1252'), Content_Type='text/html; charset=ansi-1252')).url

    assert line(try_page(url, 'Café')[1], 'missing') == (
        "'Café': the page is in windows-1252, but was read as utf-8: it declares 'ansi-1252', which no browser knows;"
        ' set encoding: windows-1252'
    )


@pytest.mark.parametrize(
    ('text', 'difference', 'folded', 'found'),
    [
        pytest.param('x a \t b y', 'other white space', 'ab', 'a \t b', id='inside'),
        pytest.param('  ab  ', 'other white space', 'ab', 'ab', id='around'),
        pytest.param('x\na\nb', 'other white space', 'ab', '', id='lines'),
        pytest.param('x\nab', 'other white space', 'ab', 'ab', id='second line'),
        pytest.param('a…', 'typographic quotes or dashes', 'a..', '', id='part of a character'),
        pytest.param('a…', 'typographic quotes or dashes', 'a...', 'a…', id='longer'),
        pytest.param('x' * 100_001 + '“', 'typographic quotes or dashes', '"', '', id='long line'),
    ],
)
def test_original_of_what_was_folded(text: str, difference: str, folded: str, found: str) -> None:
    assert original(text, RESPELLINGS[difference], folded) == found


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        ({'case_sensitive': False}, 'case_sensitive: false'),
        ({'search_in': 'text', 'max_body_size': 5}, 'search_in: text, max_body_size: 5'),
        ({'search_string': 'a: b'}, "search_string: 'a: b'"),
        ({'search_string': ["it's", 'b']}, "search_string: ['it''s', 'b']"),
    ],
)
def test_options_are_written_as_yaml(options: dict[str, Any], text: str) -> None:
    assert as_yaml(options) == text


def test_page_is_respelled_once_for_all_strings(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    respelled: list[int] = []
    page = serve(response(b'nothing of that ' * 100)).url
    monkeypatch.setitem(RESPELLINGS, 'other white space', lambda text: respelled.append(len(text)) or text)

    try_page(page, 'one', 'two', 'three')

    # In the source, and in the visible text.
    assert sum(length > 100 for length in respelled) == 2


@pytest.mark.parametrize(('size', 'enough'), [(5000, 8192), (8000, 16384), (8192, 16384)])
def test_size_that_is_suggested_leaves_the_page_room(size: int, enough: int, serve: Serve) -> None:
    url = serve(response(b'x' * (size - 1) + b'y')).url

    _, printed = try_page(url, 'y', '--set', 'max_body_size=4000')

    assert line(printed, 'missing') == f"'y': it comes after the first 4000 bytes; set max_body_size: {enough}"


def test_explanation_ends_in_the_time_of_a_run(serve: Serve) -> None:
    instance = {'url': serve(response(b'nginx')).url, 'search_string': 'NGINX'}
    check = AwesomeCheck('awesome', {}, [instance])
    options, body = check.options(instance), bytearray()
    outcome = check.probe(options, body).outcome
    assert isinstance(outcome, Searched)

    def reasons(timeout: float) -> int:
        return len(Explainer(replace(options, timeout=timeout), outcome, bytes(body), check.probe).reasons())

    assert reasons(10) == 1
    assert reasons(0) == 0
