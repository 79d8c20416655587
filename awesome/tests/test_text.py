"""What a reader sees of a page."""

import gc
import tracemalloc
from collections.abc import Callable

import pytest

from datadog_checks.awesome.fault import Fault
from datadog_checks.awesome.reading.normalization import normalize
from datadog_checks.awesome.reading.text import MAX_DEPTH, MAX_SEPARATORS, markup_kind, visible_text
from datadog_checks.awesome.reporting.message import title

pytestmark = pytest.mark.unit


def visible(markup: str, content_type: str = 'text/html') -> str:
    return ''.join(visible_text([markup], content_type))


@pytest.mark.parametrize(
    ('markup', 'text'),
    [
        ('Thank you for <b>using</b> nginx', 'Thank you for using nginx'),
        ('<p>one</p><p>two</p>', 'one two'),
        ('one<br>two<br/>three', 'one two three'),
        ('<ul><li>one<li>two</ul>', 'one two'),
        ('<table><tr><td>one<td>two</table>', 'one two'),
        ('fly<i>wh<em>ee</em></i>l', 'flywheel'),
        ('soft<wbr>ware <my-badge>new</my-badge>er', 'software newer'),
        ('a<!-- <p>comment</p> -->b', 'ab'),
        ('a<script>if (a<b) "</p>"</script>b', 'ab'),
        ('a<style>p {}</style>b<template><p>t</p></template>c<noscript><p>n</p></noscript>d', 'abcd'),
        ('<img alt="alt" title="title">a', 'a'),
        ('<title>T &amp; U</title><p>body', 'T & U body'),
        ('&lt;b&gt; &eacute;&nbsp;&#x1F600;', '<b> é \U0001f600'),
        ('a \n\t\xa0\u2003 b', 'a b'),
        ('cafe\u0301', 'café'),
        ('<svg><text>drawn</text></svg>', 'drawn'),
        ('<textarea>in <b></textarea>', 'in <b>'),
        ('a\0b', 'a\ufffdb'),
        ('<a href="x>y">link</a>', 'link'),
        ('', ''),
        ('   ', ''),
        ('no markup', 'no markup'),
    ],
)
def test_html(markup: str, text: str) -> None:
    assert visible(markup) == text


@pytest.mark.parametrize(
    ('content_type', 'body', 'text'),
    [
        ('application/rss+xml', '<?xml version="1.0"?><r><t><![CDATA[a<b]]></t><t>c &amp; d</t></r>', 'a<b c & d'),
        ('application/xhtml+xml', '<html xmlns="http://www.w3.org/1999/xhtml"><script/><p>a<b>b</b></p></html>', 'ab'),
        ('text/xml; charset=utf-8', '<r>open <b>ended', 'open ended'),
        ('text/plain', 'a <b>  not\nmarkup', 'a <b> not markup'),
        ('application/json', '{"a":  "<p>"}', '{"a": "<p>"}'),
        ('', ' <p>sniffed</p>', 'sniffed'),
        ('', 'plain <p>', 'plain <p>'),
    ],
)
def test_content_type_decides_what_is_markup(content_type: str, body: str, text: str) -> None:
    assert visible(body, content_type) == text


def test_declared_encoding_does_not_matter_to_text_that_is_decoded() -> None:
    assert visible('<meta charset="windows-1251"><p>Да') == 'Да'
    assert visible('<?xml version="1.0" encoding="windows-1251"?><r>Да</r>', 'text/xml') == 'Да'


@pytest.mark.parametrize(
    'markup',
    [
        '<div>' * (MAX_DEPTH + 1),
        '<p>' + '<a><font>' * MAX_DEPTH,
    ],
)
def test_depth_that_no_page_has_is_a_fault(markup: str) -> None:
    with pytest.raises(Fault, match=f'^body: its markup has more than {MAX_DEPTH} levels$'):
        visible(markup)


@pytest.mark.parametrize(
    'attribute',
    [
        pytest.param(lambda i: f' {i:x}', id='names'),
        pytest.param(lambda i: f'/{i:x}', id='names behind slashes'),
        pytest.param(lambda i: f' a{i:x}=">"', id='names and values'),
        pytest.param(lambda i: f'a{i:x}="1"', id='nothing between them'),
    ],
)
def test_attributes_that_no_page_has_are_a_fault(attribute: Callable[[int], str]) -> None:
    markup = '<p ' + ''.join(map(attribute, range(MAX_SEPARATORS + 20_000))) + '>'
    pieces = (markup[i : i + 65536] for i in range(0, len(markup), 65536))

    with pytest.raises(Fault, match=f'^body: its markup has a tag or comment of more than {MAX_SEPARATORS} words$'):
        for _ in visible_text(pieces, 'text/html'):
            pass


def test_long_texts_are_no_fault() -> None:
    words = 'a = b / ' * 200_000

    for markup in (f'<p>{words}</p>', f'<script>{words}</script>{words}', f'<img src="{"x" * 2_000_000}">{words}'):
        pieces = (markup[i : i + 65536] for i in range(0, len(markup), 65536))
        assert ''.join(visible_text(pieces, 'text/html')) == words.strip()


def test_entities_that_multiply_stay_small() -> None:
    entities = ''.join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(9))
    bomb = f'<!DOCTYPE r [<!ENTITY e0 "lolololol">{entities}]><r>&e9;</r>'

    assert len(visible(bomb, 'text/xml')) < 10_000_000


def test_no_run_leaves_memory_behind() -> None:
    page = '<p>some <b>text</b></p>' * 2000
    visible(page)
    tracemalloc.start()

    for _ in range(50):
        visible(page)
        next(visible_text([page, page], 'text/html'))  # Nobody reads on.

    gc.collect()  # Parser and target form a cycle in lxml.
    # Threads of other tests may still allocate something of their own.
    traces = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, visible_text.__code__.co_filename)])
    tracemalloc.stop()
    assert sum(trace.size for trace in traces.traces) < 10_000


def test_search_strings_are_normalized_like_pages() -> None:
    assert normalize(' cafe\u0301\xa0 \n au lait ') == 'café au lait'


@pytest.mark.parametrize(
    ('markup', 'expected'),
    [
        ('<html><TITLE lang="en">\n Sign  in &amp; go </title>', 'Sign in & go'),
        ('<title>cut', ''),
        ('<p>none', ''),
        ('<title><title></title>', '<title>'),
    ],
)
def test_title(markup: str, expected: str) -> None:
    assert title(markup) == expected


def test_kind_of_markup() -> None:
    assert [markup_kind(t, '') for t in ('TEXT/HTML ; x=y', 'image/svg+xml', 'text/plain')] == ['html', 'xml', '']
