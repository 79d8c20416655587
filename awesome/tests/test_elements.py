"""How each element and each property of a style decides what a reader sees.

A page has `@` where each name of a table is put. The answers are those of https://html.spec.whatwg.org/, and Chromium
156 gives them too.
"""

from __future__ import annotations

from html import escape

import pytest

from .test_text import visible

pytestmark = pytest.mark.unit

HEADINGS = 'h1 h2 h3 h4 h5 h6'
# Blocks that end a paragraph and that nothing ends but their own end tag.
SECTIONS = (
    f'article aside blockquote center dir dl fieldset figcaption figure footer form {HEADINGS} header hgroup'
    ' listing main menu nav ol pre section summary ul'
)
BLOCKS = f'address div search p li dd dt {SECTIONS}'
FORMATTING = 'a b big code em font i nobr s small strike strong tt u'
PHRASES = (
    'abbr acronym bdi bdo cite data del dfn ins kbd label mark noindex output q ruby samp slot span sub sup time var'
    ' x-y'
)
BORDERS = 'applet marquee object template select'
BREAKOUT = (
    f'b big blockquote body br center code dd div dl dt em embed head {HEADINGS} hr i img li listing menu meta nobr ol'
    ' p pre ruby s small span strike strong sub sup table tt u ul var'
)
FOREIGN_IN_ANY_CASE = (
    'a abbr article button cite del font form g iframe input ins label main nav q section select samp style script'
    ' title textarea td tr video x-y'
)
ROW_GROUPS = 'tbody tfoot thead'

ELEMENTS = [
    # What separates words.
    ('a<@>b</@>c', 'a b c', f'{BLOCKS} legend option optgroup'),
    ('a<@ open>b</@>c', 'a b c', 'details dialog'),
    # Chromium shows this only once it is opened.
    ('a<@>b</@>c', 'a b c', 'details'),
    ('a<@>b</@>c', 'abc', f'{FORMATTING} {PHRASES} applet button map marquee object picture rb rt rtc frame'),
    ('a<@>b</@>c', 'abc', f'html head body tr td th {ROW_GROUPS} caption colgroup'),
    ('a<@>b', 'a b', 'br hr p'),
    ('a<@>b', 'ab', 'wbr img input'),
    ('a</@>b', 'a b', 'p br'),
    ('a</@>b', 'ab', 'hr div span h1 li td table form select button body html svg math x template'),
    ('<table><caption>a<tr><@>b<@>c</table>d', 'a b c d', 'td th'),
    ('<table><@><tr><td>a</@><@><tr><td>b</@></table>c', 'a b c', ROW_GROUPS),
    # What has no content, or something else in its place.
    ('a<@ hidden>b', 'ab', 'area base basefont bgsound br col embed frame hr image img input keygen link meta param'),
    ('a<@ hidden>b', 'ab', 'source track wbr'),
    ('a<@ hidden>b', 'a', 'command isindex menuitem nextid spacer'),
    ('<table><@ hidden>x<tr><td>y</table>', 'x y', 'col'),
    ('a<@>b<i>c</i><p>d</p></@>e', 'ae', 'audio canvas datalist meter progress template video rp'),
    ('a<@>b<i>c</i></@>e', 'ae', 'iframe noembed noframes noscript script style'),
    ('a<@ style=display:block>b<i>c</i><svg><text>d</text></svg></@>e', 'a e', 'canvas meter progress template video'),
    ('a<@ style=float:left>b<select><option>c</select></@>e', 'a e', 'canvas meter progress video'),
    ('a<@ style=display:none>b</@>e', 'ae', 'canvas meter progress video'),
    ('a<p hidden><@ style=display:block>b</@></p><b hidden><@ style=float:left></@></b>c', 'ac', 'canvas svg'),
    ('a<object data="data:,x" style=@>b</object>c', 'a c', 'display:block float:left position:absolute'),
    ('a<select style=@><option>b</select>c', 'a b c', 'display:block float:left position:absolute'),
    ('<object @>a</object>b', 'b', 'data=data:,x type=text/html type=TEXT/HTML'),
    ('<object @>a</object>b', 'ab', 'x data="" type="" type=application/x-foo type=Application/X-foo'),
    ('<@ style=display:block data=x type=y>a</@>b', 'a b', 'div p span'),
    ('<@ hidden>a<p>b', 'a b', 'head caption td'),
    ('<template><@>a</template>b', 'b', 'tr td caption col tbody frame body head html form select option li'),
    # Formatting that ends too early or too late.
    ('<@ hidden>b<p>c</@>d</p>e', 'd e', FORMATTING),
    ('<@ hidden>b<p>c</@>d</p>e', '', PHRASES),
    ('<@>a<p>b</@>c</p>d', 'a bc d', FORMATTING),
    ('<p><@ hidden>a</p><p>b', '', FORMATTING),
    ('<p><@ hidden>a</p><p>b', 'b', PHRASES),
    ('x<@ hidden>y<@>z</@>w', 'xzw', 'a nobr button'),
    ('x<@ hidden>y<@>z</@>w', 'x', 'b ruby span optgroup'),
    ('<p><@><b hidden>a</@>b', 'b', 'applet marquee object template'),
    ('<p><@><b hidden>a</@>b', '', 'button span'),
    ('<table><tr><@><b hidden>a<td>b</table>c', 'b c', 'td th'),
    ('<table><caption><b hidden>a</caption><tr><td>b</table>c', 'b c', ''),
    ('<table><tr><@><b hidden>a</@>x<td>b</table>c', 'x b c', 'td th'),
    ('<table><caption><b hidden>a</caption>x<tr><td>b</table>c', 'x b c', ''),
    ('<@ hidden><@><p>a</@></p></@>b', 'b', 'b big code em font i s small strike strong tt u'),
    ('<b style=@>a<p>b</b>c</p>d', 'a b c d', 'display:block float:left'),
    ('<form>a<@>b</form>c</@>d', 'a bc d', 'div section'),
    ('<form>a<@>b<i>c</form>d</i>e</@>f', 'abcde f', 'b span button'),
    ('<b><@ hidden>x</b>y</@>z', 'z', f'address div p li dd dt button object select applet {SECTIONS}'),
    ('<b><@ hidden>x</b>y</@>z', 'yz', 'abbr dialog label legend option optgroup rt ruby span x-y'),
    ('<@ style=visibility:hidden><p>a</@>b', 'b', FORMATTING),
    # What svg and math draw, and where HTML begins in them again.
    ('<svg hidden><g><@></@>b', 'b', f'{BREAKOUT}'),
    ('<math hidden><@></@>b', 'b', f'{BREAKOUT}'),
    ('<svg hidden><@></@>b', '', FOREIGN_IN_ANY_CASE),
    ('<math hidden><@></@>b', '', FOREIGN_IN_ANY_CASE),
    ('<svg hidden><font @=x>b', 'b', 'color face size COLOR'),
    ('<svg hidden><font @=x>b', '', 'style id'),
    ('<svg hidden></@>b', 'b', 'p br svg'),
    ('<svg hidden></@>b', '', 'div span h1 math body html'),
    ('<@ hidden><svg></@>b', 'b', 'div p span'),
    ('a<svg><@>b</@></svg>c', 'a b c', 'text foreignObject'),
    ('a<svg><@>b</@></svg>c', 'ac', 'desc title metadata script style g a tspan textPath defs symbol image switch x'),
    ('a<math><@>bb</@></math>c', 'a bb c', 'mi mn mo ms mtext'),
    ('<svg><text>a<@>b</@>c</text></svg>', 'ac', 'desc metadata script style title'),
    ('<svg><text>a<@>b</@>c</text></svg>', 'abc', 'a tspan'),
    ('<math><semantics><mn>1</mn><@><mn>2</mn></@></semantics></math>d', '1 d', 'annotation annotation-xml mphantom'),
    ('<svg hidden><@><p>a</p></@></svg>b', 'b', 'desc title'),
    ('<svg style=visibility:hidden><@><p>a</p></@></svg>b', 'b', 'foreignObject desc title'),
    ('<svg style=visibility:hidden><@><p>a</p></@></svg>b', 'a b', 'g text'),
    ('<math style=display:none><@><p>a</p></@></math>b', 'b', 'mi mn mo ms mtext'),
    ('<math style=display:none><@><p>a</p></@></math>b', 'a b', 'mrow annotation-xml'),
    (
        '<math style=display:none><annotation-xml encoding=@><p>a</p></annotation-xml></math>b',
        'b',
        'text/html TEXT/HTML',
    ),
    ('<math style=display:none><annotation-xml encoding=@><p>a</p></math>b', 'b', 'application/xhtml+xml'),
    ('<math style=display:none><annotation-xml encoding=@><p>a</p></math>b', 'a b', 'text/xml application/xml'),
    ('<svg><@><svg><text>a</text></svg></@>x<text>b</text></svg>z', 'a b z', 'g svg'),
    ('<@><@></@>x<mn>1</mn></@>y', '1 y', 'math'),
    ('a<svg style=@></svg>b', 'a b', 'display:block display:flex float:left position:absolute'),
    ('a<svg style=@></svg>b', 'ab', 'display:inline display:none visibility:hidden;display:block'),
    ('<svg @><text>a</text></svg>b', 'b', 'display=none display=NONE visibility=hidden visibility=COLLAPSE'),
    ('<svg @><text>a</text></svg>b', 'b', 'style=display:none style=visibility:hidden display="&#32;none"'),
    ('<svg @><text>a</text></svg>b', 'a b', 'hidden display=block float=left opacity=0'),
    ('<svg display=none style=@><text>a</text></svg>b', 'a b', 'display:inline display:revert'),
    ('<svg visibility=hidden style=@><text>a</text></svg>b', 'a b', 'visibility:visible visibility:revert'),
    ('<svg><text @>a</text></svg>b', 'b', 'display=none visibility=hidden style=display:none style=visibility:hidden'),
    ('<svg visibility=hidden><text @>a</text></svg>b', 'a b', 'visibility=visible style=visibility:initial'),
    ('<svg visibility=hidden><text @>a</text></svg>b', 'b', 'visibility=inherit display=block'),
    ('<math @><mn>1</mn></math>b', '1 b', 'display=none visibility=hidden hidden display=block style=display:inline'),
    ('<math><mn @>1</mn></math>b', 'b', 'style=display:none style=visibility:hidden'),
    # What keeps an end tag from ending something further out.
    ('<div hidden><@>a</div>b</@>c', '', BORDERS),
    ('<div hidden><@>a</div>b</@>c', 'bc', 'button span li section mi'),
    ('<@ hidden><table></@><tr><td>a</table>', '', 'div span h1 li'),
    ('<@ hidden><table><tr><td>a</@>b</table>', '', 'div span b h1 form li'),
    ('<@ hidden><table><tr><th>a</@>b</table>', '', 'div span b h1 form li'),
    ('<@ hidden><table><caption>a</@>b</table>', '', 'div span b h1 form li'),
    ('<@ hidden><template></@></template>b', '', 'div p form select h1 b span li button ul dialog'),
    ('<div hidden><svg><@>a</div>b', '', 'foreignObject desc title'),
    ('<div hidden><svg><@>a</div>b', 'b', 'g text'),
    ('<div hidden><math><@>a</div>b', '', 'mi mn mo ms mtext annotation-xml'),
    ('<div hidden><math><@>a</div>b', 'b', 'mrow semantics'),
    ('<p hidden><@>a</p>b</@>c', '', f'button {BORDERS}'),
    ('<p hidden><@>a<div></div></@>b', '', f'button {BORDERS}'),
    ('<span hidden><@>a</span>b</@>c', '', f'address div p li dd dt button {BORDERS} {SECTIONS}'),
    ('<span hidden><@>a</span>b</@>c', 'bc', f'{FORMATTING} dialog label legend optgroup option rt ruby x-y'),
    ('<table><tr><td hidden><template><@></template>a', '', 'td /td tr /tr /table'),
    ('<@ hidden></@>b', 'b', f'{BLOCKS} details dialog legend button select {FORMATTING} {PHRASES}'),
    ('<dialog open style=visibility:hidden><@>a</dialog>b', 'b', 'span div button'),
    ('<h1 hidden>a</@>b', 'b', HEADINGS),
    ('<h1 hidden><@>a</h1>b</@>c', '', BORDERS),
    ('<h1 hidden><@>a</h1>b</@>c', 'bc', 'b div button'),
    ('<li hidden><@></li>a', '', 'ol ul'),
    ('<li hidden><@></li>a', 'a', 'div span menu dl p button'),
    ('<dd hidden><@></dd>a', 'a', 'ol ul div span menu dl p button'),
    ('<form hidden><@>a</form>b</@>c', 'bc', 'dd dt li optgroup option rb rp rt rtc'),
    ('<form hidden><@>a</form>b</@>c', 'c', 'div span b section h1 button details'),
    ('<form hidden><@>a</form>b</@>c', '', 'applet marquee object template'),
    ('<form hidden><@><form></form></@>b</form>c', 'bc', 'div span'),
    ('<form hidden><template><form></form></template>b</form>c', 'c', ''),
    # What a start tag ends.
    ('<p hidden>a<@></@>b', 'b', f'{BLOCKS} details dialog hr table xmp'),
    (
        '<p hidden>a<@></@>b',
        '',
        f'{PHRASES} legend option optgroup select svg math caption td tr br button iframe object',
    ),
    ('<p hidden>a<@>b', 'b', 'plaintext'),
    ('<ul><li hidden><@>a<li>b</@></ul>c', 'b c', f'address div p dialog legend option optgroup {PHRASES}'),
    ('<ul><li hidden><@>a<li>b</@></ul>c', 'c', f'button dd dt table {BORDERS} {SECTIONS}'),
    ('<dl><dd hidden><@>a<dt>b</@></dl>c', 'b c', f'address div p dialog legend option optgroup {PHRASES}'),
    ('<dl><dd hidden><@>a<dd>b</@></dl>c', 'c', f'button li table {BORDERS} {SECTIONS}'),
    ('<ul><li hidden><svg><@>a<li>b', '', 'foreignObject desc title'),
    ('<dl><@ hidden>a<dd>b</dl>c', 'b c', 'dd dt'),
    ('<dl><@ hidden>a<dt>b</dl>c', 'b c', 'dd dt'),
    ('<option hidden>a<@>b', 'b', 'option optgroup'),
    ('<option hidden><@>a<option>b', '', 'b span div'),
    ('<optgroup hidden>a<@>b', '', 'option optgroup'),
    ('<h1 hidden>a<@>b', 'b', HEADINGS),
    ('<h1 hidden><b>a<@>b', '', HEADINGS),
    ('<button hidden><@><button>a', '', BORDERS),
    ('<button hidden><@><button>a', 'a', 'span div'),
    ('<ruby><@ hidden>a<rb>b</ruby>c', 'bc', 'rb rp rt rtc'),
    ('<ruby><@ hidden>a<rtc>b</ruby>c', 'bc', 'rb rp rt rtc'),
    ('<ruby><@ hidden>a<rt>b</ruby>c', 'bc', 'rb rp rt'),
    ('<ruby><@ hidden>a<rp></rp>b</ruby>c', 'bc', 'rb rp rt'),
    ('<ruby><rtc hidden>a<@>b</ruby>c', 'c', 'rp rt'),
    ('<@ hidden>a<rt>b', '', 'rb rt'),
    ('<ruby><rt hidden><@>a<rt>b</ruby>c', 'c', 'b span'),
    ('<ruby><rt hidden><object><@>a</object>b</ruby>c', 'c', 'rb rt'),
    ('<table><tr><@ hidden>a<td>b</table>c', 'b c', 'td th'),
    ('<table><tr><@ hidden>a<th>b</table>c', 'b c', 'td th'),
    *(
        (f'<table>{open_}<@><tr><td>b</table>c', 'b c', f'{ROW_GROUPS} caption col colgroup tr'.replace(skip, ''))
        for open_, skip in [
            ('<caption hidden>a', '-'),
            ('<tr hidden><td>a', '-'),
            ('<tr><td hidden>a', '-'),
            ('<tbody hidden><tr><td>a', ' tr'),
            ('<tfoot hidden><tr><td>a', ' tr'),
            ('<thead hidden><tr><td>a', ' tr'),
        ]
    ),
    ('<table><tr hidden><td>a<@>b</table>c', 'c', 'td th'),
    ('<table><caption hidden>a<@>b</table>c', 'b c', 'td th'),
    ('<table><colgroup hidden><@>a</table>c', 'a c', 'tr><td td th tbody><tr><td caption'),
    ('<table hidden><@><table>a</table>b</table>c', 'a bc', 'tr tbody'),
    ('<table hidden><tr><@><table>a</table>b</table>c', 'c', 'td th'),
    ('<table hidden><caption><table>a</table>b</table>c', 'c', ''),
    ('<table><tr><td hidden>a</@>b</table>c', 'b c', 'td tr'),
    ('<table><tr><td hidden>a</@>b</table>c', 'c', 'th caption div p thead'),
    # A select.
    ('<select><option>a<@>b</select>c', 'a bc', 'input select'),
    ('<select><option>a<@>b</select>c', 'ab c', 'keygen br img button datalist div p svg section'),
    ('<select><@ style=display:none><option>a</@></select>b', 'a b', 'optgroup div b'),
]

INLINE = (
    'contents inline inline-block inline-flex inline-grid inline-table ruby initial unset -webkit-inline-box'
    ' -webkit-inline-flex math ruby-text'
)
BLOCK = 'block flex flow-root grid list-item table table-caption flow inherit -webkit-box -webkit-flex'
TABLE = 'table-cell table-footer-group table-header-group table-row table-row-group'

PROPERTIES = [
    ('a<span style="display:@">b</span>c', 'a b c', BLOCK),
    ('a<span style="display:block;display:@">b</span>c', 'abc', INLINE),
    ('a<div style="display:@">b</div>c', 'abc', INLINE),
    ('a<div style="display:none;display:@">b</div>c', 'a b c', f'{BLOCK} revert revert-layer'),
    ('a<div style="display:none;display:@">b</div>c', 'ac', 'none bogus run-in masonry compact marker'),
    (
        '<div><b style="display:none;display:@">a</b></div><div>b',
        'a b',
        f'{BLOCK} {INLINE} {TABLE} revert revert-layer',
    ),
    ('<div style=display:table-row><b style=display:@>a</b><b style=display:@>b</b></div>', 'a b', 'table-cell'),
    ('<b style=display:@>a</b><b style=display:@>b</b>', 'a b', 'table-row'),
    ('<div style="display:@"><b>a</b><b>b</b></div>', 'a b', 'flex grid inline-flex inline-grid'),
    ('<div style="display:@"><b>a</b><b>b</b></div>', 'a b', '-webkit-flex -webkit-inline-flex'),
    ('<div style="display:@"><b>a</b><b>b</b></div>', 'ab', 'block flow-root table inline-block contents -webkit-box'),
    ('a<span style="float:none;float:@">b</span>c', 'a b c', 'left right inline-start inline-end'),
    ('a<span style="float:left;float:@">b</span>c', 'abc', 'none initial inherit unset revert revert-layer'),
    ('a<span style="float:left;float:@">b</span>c', 'a b c', 'bogus footnote absolute'),
    ('a<span style="position:static;position:@">b</span>c', 'a b c', 'absolute fixed'),
    ('a<span style="position:fixed;position:@">b</span>c', 'abc', 'static relative sticky initial inherit unset'),
    ('a<span style="position:fixed;position:@">b</span>c', 'abc', 'revert revert-layer'),
    ('a<span style="position:fixed;position:@">b</span>c', 'a b c', 'bogus left'),
    ('a<b style="visibility:@">b</b>c', 'ac', 'hidden collapse'),
    ('a<b style="visibility:hidden;visibility:@">b</b>c', 'abc', 'visible initial inherit unset revert revert-layer'),
    ('a<b style="visibility:hidden;visibility:@">b</b>c', 'ac', 'bogus none'),
    ('<p style=visibility:hidden>a<b style=visibility:@>b</b>c', 'b', 'visible initial'),
    (
        '<p style=visibility:hidden>a<b style=visibility:@>b</b>c',
        '',
        'hidden collapse inherit unset revert revert-layer',
    ),
    ('<p @>a</p>b', 'b', 'hidden hidden=x hidden=until-found hidden=UNTIL-FOUND popover popover=auto popover=x'),
    ('<p @ style=display:block>a</p>b', 'a b', 'hidden popover hidden=x'),
    ('<p @ style=display:block>a</p>b', 'b', 'hidden=until-found'),
    ('<span @>a</span>b', 'ab', 'hidden=until-found title=hidden'),
    ('<span @ style=display:inline>a</span>b', 'ab', 'hidden=until-found hidden'),
    ('<dialog @>a</dialog>b', 'b', 'x popover hidden=until-found'),
    ('<dialog @>a</dialog>b', 'a b', 'open style=display:block style=display:inline'),
    ('<dialog open @>a</dialog>b', 'b', 'hidden hidden=until-found style=display:none'),
    ('<dialog open @>a</dialog>b', 'a b', 'popover style=display:inline'),
]

# Styles of a paragraph that is hidden, and of one that is shown.
HIDES = [
    *(
        'display:none',
        'DISPLAY:None',
        'x;display:none',
        ';display:none;',
        'x:y;display:none;-x:y',
        'display:none;display:',
    ),
    # White space, and comments.
    *(
        f'{space}display{space}:{space}none{space}'
        for space in ('\t', '\n', '\f', '\r', ' ', ' \r\n ', '/**/', '/*;*/')
    ),
    *(f'display:none{space}!{space}important{space}' for space in ('', '\t', '\n', '\f', '\r', '  ', '/*x*/')),
    *('/***/display:none', '/*a*b/**/display:none', 'display:none/*', 'x:y/*;*/;display:none', 'x:/*(*/;display:none'),
    *('display:none!IMPORTANT', '!important;display:none', 'display:none!\\69mportant', 'display:none!im\\portant'),
    # Escapes.
    *(f'd\\69{space}splay:none' for space in ('', ' ', '\t', '\n', '\f', '\r', '\r\n')),
    *(
        'd\\000069splay:none',
        'd\\i\\splay:no\\ne',
        'display:\\6eone',
        'display:\\4Eone',
        '\\44\\49splay:none',
        'display:n\\6fn\\65 ',
    ),
    *('x:\\";display:none', "x:\\';display:none", 'x:\\(;display:none', 'x:\\75rl(a;);display:none'),
    # Brackets.
    *('{};display:none', 'x:{;};display:none', 'x:(;);display:none', 'x:[;];display:none', '@media{};display:none'),
    *(');display:none', '];display:none', '};display:none', 'x:(]);display:none', 'x:({);});display:none'),
    # Strings: a line break ends one.
    *(f'x:{q}{q};display:none' for q in '"\''),
    *(f'x:{q};{q};display:none' for q in '"\''),
    *(f'x:{q}\\{q};{q};display:none' for q in '"\''),
    *(f'x:{q}\\\n{q};display:none' for q in '"\''),
    *(f'x:{q}a{end};display:none' for q in '"\'' for end in '\n\r\f'),
    *('x:"\'";display:none', "x:'\"';display:none", 'x:"(";display:none', 'x:"/*";display:none;y:"*/"'),
    # Addresses.
    *('x:url();display:none', 'x:url(;);display:none', 'x:url(a(b);display:none', 'x:url(a\\););display:none'),
    *("x:url(';');display:none", "x:url(a';);display:none", "x:URL(a';);display:none", 'x:url([);display:none'),
    *("x:url(')';);display:none", 'x:url(")";);display:none'),
    *('x:url(/*);display:none;y:*/', *(f"x:url({space}');');display:none" for space in '\t\n\f\r ')),
    # The last one counts, or the important one.
    *('display:block;display:none', 'display:none;visibility:visible', 'display:none;display:block!bogus'),
    *('display:none!important;display:block', 'display:none!important;display:none;display:block'),
    *('display:none!important;display:revert', 'display:block!important;display:none!important'),
    *('visibility:hidden;display:block', 'visibility:hidden!important;visibility:visible', 'display:none;display:a b'),
]
SHOWS = [
    *(
        '',
        'dis/**/play:none',
        'display:no/**/ne',
        '/*/display:none',
        '/*display:none',
        'display:none!ie',
        '_display:none',
    ),
    *('display:none!!important', 'display:none!importantx', 'display=none', '{display:none}', '*display:none', 'none'),
    *(f'{space}display:none' for space in '\v\xa0\u2028'),
    *(f'display:none{space}' for space in '\v\xa0\u2028\0'),
    *('display\\:none', 'display:none\\;', 'd\\0000069splay:none', '\\display:none', 'display:none\\'),
    *(
        'display:n\\6f  ne',
        'display:none\\20',
        'display\\3a none',
        'display:no\\\nne',
        'd\\ıſplay:none',
        'diſplay:none',
    ),
    *('x:(;display:none', 'x:[;display:none', 'x:{;display:none', 'x:(();display:none;)', 'x:([)];display:none'),
    *(f'x:{q};display:none' for q in '"\''),
    *(f'x:{q};display:none{q}' for q in '"\''),
    *(f'x:{q}\\{q};display:none' for q in '"\''),
    *(f'x:{q}a\\\n;display:none' for q in '"\''),
    *('x:url(a;display:none;)', 'x:url(a\\);display:none', "x:url('a;);display:none", "x:url (';);display:none"),
    *('display:none;display:block', 'display:block!important;display:none', 'display:none;display:block!important'),
    *('display:none!important;display:block!important', 'display:none;display:revert', 'opacity:0', 'float:none'),
]


XHTML = [
    ('a<@>b</@>c', 'a b c', 'p div xmp listing plaintext option h1 h:p'),
    ('a<@>b</@>c', 'abc', 'span b tr object x-y h:b'),
    ('a<@>b</@>c', 'ac', 'audio canvas datalist meter progress rp template video select h:script'),
    ('a<@>b</@>c', 'ac', 'iframe noembed noframes noscript script style'),
    ('a<@/>b', 'a b', 'p div br hr table option'),
    ('a<@/>b', 'ab', 'span script select img input svg'),
    ('<@ hidden="">a<@>b</@></@>c', 'c', 'p li option'),
    ('<p hidden="">a<@>b</@></p>c', 'c', 'p div table'),
    ('a<svg xmlns="http://www.w3.org/2000/svg"><@>b</@></svg>c', 'a b c', 'text foreignObject'),
    ('a<svg xmlns="http://www.w3.org/2000/svg"><@>b</@></svg>c', 'ac', 'g title desc style'),
]


def check(page: str, text: str, names: str, content_type: str = 'text/html') -> None:
    pages = {name: page.replace('@', name) for name in names.split() or ['']}

    for size in (1, 65536):
        shown = {name: visible(markup, content_type, size) for name, markup in pages.items()}
        assert shown == dict.fromkeys(pages, text)


@pytest.mark.parametrize(('page', 'text', 'names'), ELEMENTS)
def test_elements(page: str, text: str, names: str) -> None:
    check(page, text, names)


@pytest.mark.parametrize(('page', 'text', 'names'), PROPERTIES)
def test_properties(page: str, text: str, names: str) -> None:
    check(page, text, names)


@pytest.mark.parametrize(('page', 'text', 'names'), XHTML)
def test_xhtml(page: str, text: str, names: str) -> None:
    namespaces = 'xmlns="http://www.w3.org/1999/xhtml" xmlns:h="http://www.w3.org/1999/xhtml"'

    check(f'<html {namespaces}><head/><body>{page}</body></html>', text, names, 'application/xhtml+xml')


@pytest.mark.parametrize(('styles', 'text'), [(HIDES, 'b'), (SHOWS, 'a b')], ids=['hidden', 'shown'])
def test_styles(styles: list[str], text: str) -> None:
    pages = {style: f'<p style="{escape(style)}">a</p>b' for style in styles}

    assert {style: found for style, page in pages.items() if (found := visible(page)) != text} == {}


@pytest.mark.parametrize('name', ['b', 'x-y'])
def test_elements_are_nested_2000_deep(name: str) -> None:
    # What is deeper ends the one before.
    within, beyond = f'<{name}>' * 1998, f'<{name}>' * 1999

    assert visible(f'{within}<div hidden>a<{name}>b</{name}>c') == ''
    assert visible(f'{beyond}<div hidden>a<{name}>b</{name}>c') == 'c'


def test_eight_formatting_elements_go_on() -> None:
    names = zip('b i u a s tt em big'.split(), ['hidden', 'visible'] * 4, strict=True)
    by_turns = ''.join(f'<{name} style=visibility:{value}>' for name, value in names)

    assert visible(f'<p>{by_turns}x</p>y') == 'x y'
