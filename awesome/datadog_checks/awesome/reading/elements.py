"""The elements that are open in a page, and whether a reader sees the text inside them.

Nothing is kept but the names of the open elements, at most `MAX_DEPTH` of them. How elements end each other follows
https://html.spec.whatwg.org/multipage/parsing.html#tree-construction as far as it decides what is visible and what
separates words; text that browsers move out of a table stays where it is.
"""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def words(text: str) -> frozenset[str]:
    """Return the words of `text`."""
    return frozenset(text.split())


# Browsers nest no deeper than 512 elements: what is deeper becomes a sibling.
MAX_DEPTH = 2000
# Formatting elements that stay open when the element around them ends; more would make each end cost as much.
MAX_CARRIED = 8

# Reasons not to show text: `display`, `visibility`, a select, svg or math that draws none there, and that there is
# something else in its place.
NOT_DISPLAYED, INVISIBLE, NOT_DRAWN, FALLBACK = 1, 2, 4, 8
# Whether an element separates words, and whether those inside it do as well: the items of a flexible box or a grid.
BLOCK, CONTAINER = 1, 2

HEADINGS = frozenset({'h1', 'h2', 'h3', 'h4', 'h5', 'h6'})
CELLS = frozenset({'td', 'th'})
ROW_GROUPS = frozenset({'tbody', 'tfoot', 'thead'})
TABLE_PARTS = CELLS | ROW_GROUPS | {'caption', 'col', 'colgroup', 'tr'}
OPTIONS = frozenset({'optgroup', 'option'})
# https://html.spec.whatwg.org/multipage/rendering.html#flow-content-3: what begins and ends on a line of its own.
BLOCKS = (
    words(
        'address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer'
        ' form header hgroup legend li listing main menu nav ol p plaintext pre search section summary table ul xmp'
        ' br hr'
    )
    | HEADINGS
    | CELLS
    | OPTIONS
    | {'caption'}
)
VOID = words('area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr')
# What is shown in place of these is not their content.
REPLACED = words('audio canvas datalist meter progress rp template video')
# In HTML the tokenizer knows that these have no elements inside; in XML they are like others.
UNSEEN_IN_XML = words('iframe noembed noframes noscript script style')
FORMATTING = words('a b big code em font i nobr s small strike strong tt u')
# Text of svg and math is drawn inside these only, and in these HTML begins again.
DRAWN = {
    'svg': frozenset({'text', 'foreignobject'}),
    'math': frozenset({'mi', 'mn', 'mo', 'ms', 'mtext'}),
}
HTML_INSIDE = {'svg': frozenset({'foreignobject', 'desc', 'title'}), 'math': DRAWN['math']}
UNSEEN_INSIDE = words('desc metadata script style title annotation annotation-xml mphantom')
# https://html.spec.whatwg.org/multipage/parsing.html#parsing-main-inforeign
BREAKOUT = (
    words(
        'b big blockquote body br center code dd div dl dt em embed head hr i img li listing menu meta nobr ol p pre'
        ' ruby s small span strong strike sub sup table tt u ul var'
    )
    | HEADINGS
)

_BORDERS = frozenset(f'{root} {name}' for root, names in HTML_INSIDE.items() for name in names)
_BORDERS |= {'math annotation-xml'}
# https://html.spec.whatwg.org/multipage/parsing.html#has-an-element-in-scope
SCOPE = words('applet caption marquee object select table td template th') | _BORDERS
BUTTON_SCOPE = SCOPE | {'button'}
TABLE_SCOPE = frozenset({'table', 'template'})
# What the parts of a table stand in: whatever else is open inside of it ends there, since browsers move it before the
# table.
TABLE_CONTEXT = TABLE_SCOPE | ROW_GROUPS | {'tr'}
# https://html.spec.whatwg.org/multipage/parsing.html#special: those that can make a difference.
SPECIAL = (BLOCKS - OPTIONS - {'dialog', 'legend'}) | SCOPE | {'button'}
# https://html.spec.whatwg.org/multipage/parsing.html#generate-implied-end-tags
IMPLIED = words('dd dt li optgroup option p rb rp rt rtc')
RUBY_PARTS = words('rb rp rt rtc')
ITEM_SCOPE = SPECIAL - {'address', 'div', 'p'}

Ends = tuple[frozenset[str], frozenset[str]]


def _table_of_ends() -> dict[str, list[Ends]]:
    """Return what the start tag of an element ends, and the elements that keep it from that."""
    paragraph = (frozenset({'p'}), BUTTON_SCOPE)
    apart = OPTIONS | CELLS | {'caption', 'br', 'legend'}
    ends = {name: [paragraph] for name in BLOCKS - apart}
    ends['li'] = [(frozenset({'li'}), ITEM_SCOPE - {'li'}), paragraph]
    ends['dd'] = ends['dt'] = [(frozenset({'dd', 'dt'}), ITEM_SCOPE - {'dd', 'dt'}), paragraph]
    # The other parts of a table are not in `TABLE_CONTEXT`.
    ends['tr'] = [(frozenset({'tr'}), TABLE_SCOPE)]
    for name in ROW_GROUPS | {'caption', 'colgroup', 'col'}:
        ends[name] = [(ROW_GROUPS | {'tr'}, TABLE_SCOPE)]
    ends['table'] = [(frozenset({'table'}), CELLS | {'caption', 'template'}), paragraph]
    ends['button'] = [(frozenset({'button'}), SCOPE)]
    ends['input'] = [(frozenset({'select'}), SCOPE - {'select'})]
    return ends


def _table_of_scopes() -> dict[str, frozenset[str]]:
    """Return the elements that keep the end tag of an element from ending it; for others they are `SPECIAL`."""
    scopes = dict.fromkeys(SPECIAL | {'dialog'}, SCOPE)
    scopes |= dict.fromkeys(TABLE_PARTS, TABLE_SCOPE)
    scopes |= {'table': frozenset({'template'}), 'template': frozenset(), 'p': BUTTON_SCOPE}
    scopes['li'] = SCOPE | {'ol', 'ul'}
    return {name: scope - {name} for name, scope in scopes.items()}


ENDS = _table_of_ends()
SCOPES = _table_of_scopes()


# A tag without attributes that needs no second thought: its name, whether it starts an element, whether that separates
# words, which elements it would end, and if not empty, which ones it must be directly inside of.
_Plain = tuple[str, bool, bool, tuple[str, ...], tuple[str, ...]]


def _table_of_plain_tags() -> dict[str, _Plain]:
    names = FORMATTING - {'a', 'nobr'} | words('a abbr cite code kbd label mark q samp span sub sup time var')
    names |= BLOCKS - VOID - TABLE_PARTS - OPTIONS - HEADINGS - {'dialog', 'form', 'plaintext', 'table', 'xmp'}
    plain: dict[str, _Plain] = {}
    for name in names:
        # A select shows no blocks.
        ended = {'select'} if name in BLOCKS else {name} & {'a'}
        plain[name] = (name, True, name in BLOCKS, tuple(ended.union(*(ended for ended, _ in ENDS.get(name, ())))), ())
    plain |= {name: (name, True, True, ('select',), ('tr',)) for name in CELLS}
    plain['tr'] = ('tr', True, False, (), ('table', *ROW_GROUPS))
    ends = names | HEADINGS | CELLS | ROW_GROUPS | {'tr'}
    return plain | {f'/{name}': (name, False, False, (), ()) for name in ends}


_PLAIN_TAGS = _table_of_plain_tags()
# The length of the longest of them, with its angle brackets.
MAX_PLAIN_TAG = max(map(len, _PLAIN_TAGS)) + 2

# https://www.w3.org/TR/css-display-3/#the-display-properties
_INSIDE_LINE = words(
    'contents inline inline-block inline-flex inline-grid inline-table ruby initial unset -webkit-inline-box'
    ' -webkit-inline-flex math ruby-text'
)
_OWN_LINE = words(
    'block flex flow-root grid list-item table table-caption table-cell table-column table-column-group'
    ' table-footer-group table-header-group table-row table-row-group flow -webkit-box -webkit-flex inherit'
)
_CONTAINERS = words('flex grid inline-flex inline-grid -webkit-flex -webkit-inline-flex')
_REVERT = words('revert revert-layer')
_VALUES = {
    'display': _INSIDE_LINE | _OWN_LINE | _REVERT | {'none'},
    'visibility': _REVERT | words('visible hidden collapse initial inherit unset'),
    'float': _REVERT | words('left right none inline-start inline-end initial inherit unset'),
    'position': _REVERT | words('static relative absolute fixed sticky initial inherit unset'),
}
_OUT_OF_LINE = words('left right inline-start inline-end absolute fixed')
_DELIMITER = re.compile(
    r""""(?:[^"\\\n]++|\\.?)*+"?|'(?:[^'\\\n]++|\\.?)*+'?|"""
    r"""url\([ \t\n]*+(?!["'])(?:[^)\\]++|\\.?)*+\)?|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?|\\.|[;()\[\]{}]""",
    re.DOTALL | re.IGNORECASE,
)
_BRACKETS = {'(': ')', '[': ']', '{': '}'}
_ESCAPE = re.compile(r'\\(?:([0-9a-f]{1,6})[ \t\n]?|(.))', re.DOTALL | re.IGNORECASE)
_LINE_BREAK = re.compile(r'\r\n?|\f')
_DECLARATION = re.compile(
    r'[ \t\n]*+([a-z]++)[ \t\n]*+:[ \t\n]*+([a-z-]++)[ \t\n]*+(![ \t\n]*+important)?[ \t\n]*+',
    re.IGNORECASE,
)


def parse_style(style: str) -> dict[str, str]:
    """Return the properties of a `style` attribute that decide what is visible, lowercase.

    Like in https://www.w3.org/TR/css-style-attr/, an invalid declaration counts for nothing, and the last one counts.
    """
    properties: dict[str, str] = {}
    important: set[str] = set()
    style = _LINE_BREAK.sub('\n', style)
    for declaration in _declarations(_DELIMITER.sub(_uncomment, style) if '/*' in style else style):
        match = _DECLARATION.fullmatch(_ESCAPE.sub(_unescape, declaration))
        if not match:
            continue
        name, value = match[1].lower(), match[2].lower()
        if value in _VALUES.get(name, ()) and (match[3] or name not in important):
            properties[name] = value
            if match[3]:
                important.add(name)
    return {name: value for name, value in properties.items() if value not in _REVERT}


def _unescape(escape: re.Match[str]) -> str:
    """Return the letter that is escaped; nothing else that may be matters."""
    code = int(escape[1], 16) if escape[1] else ord(escape[2])
    return chr(code) if code < 0x80 and chr(code).isalpha() else '?'


def _uncomment(delimiter: re.Match[str]) -> str:
    return ' ' if delimiter[0].startswith('/*') else delimiter[0]


def _declarations(style: str) -> Iterable[str]:
    """Yield what semicolons separate, but for those inside strings and brackets."""
    start, closing = 0, ['']
    for match in _DELIMITER.finditer(style):
        delimiter = match[0]
        if delimiter in _BRACKETS:
            closing.append(_BRACKETS[delimiter])
        elif delimiter == closing[-1]:
            closing.pop()
        elif delimiter == ';' and not closing[-1]:
            yield style[start : match.start()]
            start = match.end()
    yield style[start:]


# An open element: its name, the depth of the open element of the same name before it or -1; what its end restores,
# `hidden` and `foreign`; and whether it separates words.
_Open = tuple[str, int, int, str, bool]


class OpenElements:
    """The open elements of an HTML page, fed with its tags.

    `separators` gets a line break whenever a visible block begins or ends. `hidden` is not 0 where text is not visible.
    `foreign` is `svg` or `math` where an element is one of theirs.
    """

    def __init__(self, separators: list[str]) -> None:
        self._separators = separators
        self._stack: list[_Open] = []
        # The open elements whose children all separate words, with their depths.
        self._containers: list[tuple[int, _Open]] = []
        # The depth of the innermost open element of each name.
        self._depths: dict[str, int] = {}
        self.hidden = 0
        self.foreign = ''

    def start(self, name: str, attributes: Mapping[str, str], closed: bool) -> None:
        """Open an element, which ends others."""
        if self.foreign:
            if name not in BREAKOUT and not (name == 'font' and attributes.keys() & {'color', 'face', 'size'}):
                self._push_foreign(name, attributes, closed)
                return
            self._leave_foreign()
        if self._is_ignored(name):
            return
        if name == 'select' and name in self._depths:
            self.end(name)
            return
        self._make_room(name)
        if name in ('svg', 'math'):
            self._push_foreign(name, attributes, closed)
        else:
            self._push_html(name, attributes)

    def end(self, name: str) -> None:
        """Close an element, and those inside it; a tag that ends nothing is ignored."""
        stack = self._stack
        if stack and stack[-1][0] == name:
            self._pop()
        elif self.in_foreign_element() and self._end_foreign(name):
            pass
        elif name == 'form':
            self._end_form()
        elif name in HEADINGS:
            self._end_any(HEADINGS, SCOPE)
        elif name in FORMATTING:
            self._end_formatting(name)
        elif not self._end_any(frozenset({name}), SCOPES.get(name, SPECIAL)) and name in ('p', 'br'):
            # An end tag without a start tag makes an empty element of these.
            self._separate()

    def pass_plain(self, tag: str) -> bool:
        """Open or close an element by a tag without attributes, where that is simple; return whether it was.

        Most tags are such, so this is what decides the speed.
        """
        plain = _PLAIN_TAGS.get(tag)
        if plain is None or self.foreign:
            return False
        name, starts, separates, ended, parents = plain
        stack, depths = self._stack, self._depths
        if not starts:
            if not stack or stack[-1][0] != name:
                return False
            self._pop()
            return True
        for other in ended:
            if other in depths:
                if other == 'select' or stack[-1][:2] != (other, -1):
                    return False
                self._pop()
        depth = len(stack)
        if depth >= MAX_DEPTH or (parents and not (stack and stack[-1][0] in parents)):
            return False
        if separates or (self._containers and self._is_in_container()):
            separates = not self.hidden
            if separates:
                self._separators.append('\n')
        stack.append((name, depths.get(name, -1), self.hidden, '', separates))
        depths[name] = depth
        return True

    def _pop(self) -> None:
        name, previous, self.hidden, self.foreign, separates = self._stack.pop()
        if separates:
            self._separators.append('\n')
        if previous >= 0:
            self._depths[name] = previous
        elif name:
            del self._depths[name]

    def in_foreign_element(self) -> bool:
        """Return whether the innermost open element is one of svg or math: CDATA sections are text there."""
        return bool(self._stack) and self._stack[-1][0].partition(' ')[0] in DRAWN

    def is_open(self, name: str) -> bool:
        """Return whether an element of this name is open."""
        return name in self._depths

    def shows(self, name: str, attributes: Mapping[str, str]) -> bool:
        """Return whether the text of an element would be visible here."""
        return not self._look(name, attributes)[0]

    def _is_ignored(self, name: str) -> bool:
        if name in ('html', 'head', 'body'):
            return True
        return (name in TABLE_PARTS and 'table' not in self._depths) or (name == 'form' and name in self._depths)

    def _make_room(self, name: str) -> None:
        """End what the start tag of an element ends."""
        last = self._stack[-1][0] if self._stack else ''
        if (name in HEADINGS and last in HEADINGS) or (name in OPTIONS and last == 'option'):
            self._pop()
        if name in RUBY_PARTS and self._depths.get('ruby', -1) > self._innermost(SCOPE):
            self._end_implied(IMPLIED - {'rtc'} if name in ('rp', 'rt') else IMPLIED)
        if name in ('a', 'nobr'):
            self._end_formatting(name)
        for names, scope in ENDS.get(name, ()):
            self._end_any(names, scope)
        if name in TABLE_PARTS:
            context = self._innermost(TABLE_CONTEXT)
            while len(self._stack) > context + 1:
                self._pop()

    def _end_any(self, names: frozenset[str], scope: frozenset[str]) -> bool:
        """Close the outermost of the elements of these names that are open inside of `scope`; return whether one is."""
        depths = [self._depths[name] for name in names if name in self._depths]
        if depths:
            border = self._innermost(scope)
            depths = [depth for depth in depths if depth > border]
        if depths:
            self._pop_to(min(depths))
        return bool(depths)

    def _end_formatting(self, name: str) -> None:
        """Close a formatting element alone when blocks are open inside it (the adoption agency algorithm)."""
        depth = self._depths.get(name, -1)
        if depth < 0 or depth < self._innermost(SCOPE):
            return
        inside = depth < self._innermost(SPECIAL)
        if inside and self._stack[depth][2] == self._stack[depth + 1][2]:
            self._strike(depth)
        else:
            self._pop_to(depth)

    def _end_implied(self, names: frozenset[str]) -> None:
        while self._stack[-1][0] in names:
            self._pop()

    def _end_form(self) -> None:
        """Close a form alone when elements are open inside it that its end does not imply the end of."""
        depth = self._depths.get('form', -1)
        if depth <= self._innermost(SCOPE):
            return
        self._end_implied(IMPLIED)
        if depth == len(self._stack) - 1:
            self._pop()
        else:
            self._strike(depth)

    def _strike(self, depth: int) -> None:
        """Close the element at `depth` and leave those inside it open."""
        name, previous, hidden, foreign, separates = self._stack[depth]
        if previous >= 0:
            self._depths[name] = previous
        else:
            del self._depths[name]
        self._stack[depth] = ('', -1, hidden, foreign, False)
        # What it hides is inside of the next one, and the last line of a form goes on to the end of that.
        inner = self._stack[depth + 1]
        self._stack[depth + 1] = (inner[0], inner[1], hidden, foreign, inner[4] or separates)
        if separates and name != 'form':
            self._separators.append('\n')

    def _innermost(self, names: Iterable[str]) -> int:
        return max(map(self._depths.get, names, repeat(-1)), default=-1)

    def _push_html(self, name: str, attributes: Mapping[str, str]) -> None:
        hidden, separates = self._look(name, attributes)
        self._open(name, hidden, '', separates, closed=name in VOID)

    def _look(self, name: str, attributes: Mapping[str, str]) -> tuple[int, int]:
        """Return why the text of an HTML element would be hidden, or 0, and whether it separates words."""
        hidden = self.hidden
        if 'select' in self._depths and name != 'template':
            # A select shows its options, also hidden ones, and nothing of their markup.
            return (hidden & ~NOT_DRAWN if name == 'option' else hidden), name in OPTIONS
        if name == 'select':
            hidden |= NOT_DRAWN
        return _style(name, attributes, hidden)

    def _push_foreign(self, name: str, attributes: Mapping[str, str], closed: bool) -> None:
        root = self.foreign or name
        hidden, foreign, separates = self.hidden, root, 0
        if name in UNSEEN_INSIDE:
            hidden |= NOT_DISPLAYED
        elif 'select' not in self._depths:
            if not self.foreign:
                hidden |= NOT_DRAWN
            elif name in DRAWN[root]:
                hidden &= ~NOT_DRAWN
                separates = BLOCK
        if self.foreign and (name in HTML_INSIDE[root] or _is_html_annotation(name, attributes)):
            foreign = ''
        if attributes:
            hidden, separates = _style_foreign(name, root, attributes, hidden, separates)
        name = f'{root} {name}' if self.foreign else name
        self._open(name, hidden, foreign, separates, closed)

    def _leave_foreign(self) -> None:
        while self.foreign:
            self._pop()

    def _end_foreign(self, name: str) -> bool:
        """Close an element of svg or math; return whether one ends."""
        root = self._stack[-1][0].partition(' ')[0]
        if name in ('p', 'br'):
            self._leave_foreign()
            return False
        depth = self._innermost({f'{root} {name}'} | ({name} & {root}))
        if depth >= 0:
            self._pop_to(depth)
        return depth >= 0

    def _open(self, name: str, hidden: int, foreign: str, separates: int, closed: bool) -> None:
        apart = bool(separates & BLOCK) or self._is_in_container()
        if hidden and (self.hidden or hidden not in (NOT_DRAWN, FALLBACK)):
            apart = False
        if apart and name != 'table':
            # Text that stands in a table, but in no cell, goes before it.
            self._separators.append('\n')
        if closed:
            if apart:
                self._separators.append('\n')
            return
        if len(self._stack) >= MAX_DEPTH:
            self._pop()
        depths, depth = self._depths, len(self._stack)
        self._stack.append((name, depths.get(name, -1), self.hidden, self.foreign, apart))
        if separates & CONTAINER:
            self._containers.append((depth, self._stack[depth]))
        depths[name] = depth
        self.hidden, self.foreign = hidden, foreign

    def _is_in_container(self) -> bool:
        """Return whether what opens now is an item of a flexible box or a grid; forget those that were closed."""
        stack, containers = self._stack, self._containers
        while containers and not (containers[-1][0] < len(stack) and stack[containers[-1][0]] is containers[-1][1]):
            containers.pop()
        return bool(containers) and containers[-1][0] == len(stack) - 1

    def _pop_to(self, depth: int) -> None:
        """Close the element at `depth` and all inside it, and open the formatting elements that hide or show again."""
        carried: list[tuple[str, int, int]] = []
        while len(self._stack) > depth:
            name, hidden = self._stack[-1][0], self.hidden
            self._pop()
            if name in SCOPE:
                carried.clear()
            elif name in FORMATTING and hidden != self.hidden and len(self._stack) > depth:
                carried.append((name, hidden & ~self.hidden, self.hidden & ~hidden))
        for name, hides, shows in reversed(carried[-MAX_CARRIED:]):
            self._open(name, self.hidden & ~shows | hides, self.foreign, 0, closed=False)

    def _separate(self) -> None:
        if not self.hidden:
            self._separators.append('\n')


class OpenXmlElements(OpenElements):
    """The open elements of an XML document: those of XHTML look like HTML's, others all separate words."""

    def __init__(self, separators: list[str]) -> None:
        super().__init__(separators)
        self._xhtml: bool | None = None
        self._titled = False

    def start(self, name: str, attributes: Mapping[str, str], closed: bool) -> None:
        """Open an element."""
        local = name.rpartition(':')[2].lower()
        if self._xhtml is None:
            self._xhtml = local == 'html'
        if self.foreign or local in DRAWN:
            self._push_foreign(local, attributes, closed)
            return
        hidden, separates = self._look(local, attributes) if self._xhtml else (0, BLOCK)
        self._open(local, hidden, '', separates, closed)

    def pass_plain(self, _: str) -> bool:
        """Return that no tag of XML is as simple as HTML's."""
        return False

    def end(self, name: str) -> None:
        """Close an element, and those inside it; a tag that ends nothing is ignored."""
        local = name.rpartition(':')[2].lower()
        if not (self.in_foreign_element() and self._end_foreign(local)) and local in self._depths:
            self._pop_to(self._depths[local])

    def _look(self, name: str, attributes: Mapping[str, str]) -> tuple[int, int]:
        if name == 'title':
            first, self._titled = not self._titled, True
            return (0 if first else NOT_DISPLAYED), BLOCK
        if name in ('html', 'head', 'body'):
            return 0, 0
        hidden, separates = super()._look(name, attributes)
        return (hidden | NOT_DISPLAYED if name in UNSEEN_IN_XML else hidden), separates


def _style(name: str, attributes: Mapping[str, str], hidden: int) -> tuple[int, int]:
    """Return why an element that is inside of something `hidden` is hidden, or 0, and whether it separates words."""
    block = name in BLOCKS
    if name in REPLACED or (name == 'object' and _is_embedded(attributes)):
        hidden |= FALLBACK
    if not attributes and name != 'dialog':
        return hidden, int(block)
    style = parse_style(attributes.get('style', ''))
    display = style.get('display', 'none' if _is_hidden(name, attributes) else '')
    if display:
        # Chromium gives the text of a paragraph lines of its own in any case; a dialog is out of line.
        block = display in _OWN_LINE or name in ('p', 'dialog')
    if display == 'none' or (block and attributes.get('hidden', '').lower() == 'until-found'):
        hidden |= NOT_DISPLAYED
    return _visibility(style.get('visibility', ''), hidden), _separates(style, block)


def _separates(style: Mapping[str, str], block: bool) -> int:
    out_of_line = _OUT_OF_LINE & {style.get('float', ''), style.get('position', '')}
    return BLOCK * (block or bool(out_of_line)) | CONTAINER * (style.get('display') in _CONTAINERS)


def _is_hidden(name: str, attributes: Mapping[str, str]) -> bool:
    """Return whether an element is not displayed as long as no style says otherwise."""
    if 'hidden' in attributes:
        return attributes['hidden'].lower() != 'until-found'
    return 'open' not in attributes if name == 'dialog' else 'popover' in attributes


def _is_embedded(attributes: Mapping[str, str]) -> bool:
    """Return whether an object is shown in place of its content: none that needs a plug-in is."""
    kind = attributes.get('type', '').lower()
    return bool(kind or attributes.get('data')) and not kind.startswith('application/x-')


def _is_html_annotation(name: str, attributes: Mapping[str, str]) -> bool:
    encoding = attributes.get('encoding', '').lower()
    return name == 'annotation-xml' and encoding in ('text/html', 'application/xhtml+xml')


def _style_foreign(name: str, root: str, attributes: Mapping[str, str], hidden: int, separates: int) -> tuple[int, int]:
    """Return what `_style` does for an element of svg, where style properties are attributes too, or of math."""
    presentation = [f'{name}:{attributes.get(name, "")};' for name in ('display', 'visibility') if root == 'svg']
    style = parse_style(''.join(presentation) + attributes.get('style', ''))
    if style.get('display') == 'none':
        hidden |= NOT_DISPLAYED
    if name == root:
        separates |= _separates(style, style.get('display') in _OWN_LINE)
    return _visibility(style.get('visibility', ''), hidden), separates


def _visibility(value: str, hidden: int) -> int:
    if value in ('hidden', 'collapse'):
        return hidden | INVISIBLE
    return hidden & ~INVISIBLE if value in ('visible', 'initial') else hidden
