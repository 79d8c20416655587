"""What a reader sees of markup, taken from it piece by piece.

A tokenizer of our own for https://html.spec.whatwg.org/multipage/parsing.html#tokenization and, leniently, for XML. It
holds back an unfinished comment, entity or tag name, and of an unfinished tag the attributes that matter, so that each
character is looked at a bounded number of times however a page is cut. Every repetition in its regular expressions is
possessive: what they match, they match in linear time.
"""

from __future__ import annotations

import re
from html.entities import html5
from io import StringIO
from typing import TYPE_CHECKING

from .content_type import HTML_STARTS, parse_content_type
from .elements import MAX_PLAIN_TAG, OpenElements, OpenXmlElements, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SPACE = r'\t\n\f\r '
_SNIFFED_HTML = re.compile(f'<(?:{"|".join(HTML_STARTS)})', re.IGNORECASE)

_ATTRIBUTE = (
    rf'([^{_SPACE}/>][^{_SPACE}/>=]*+)'
    rf"""(?:[{_SPACE}]*+=[{_SPACE}]*+(?:"([^"]*+)"|'([^']*+)'|(?!["'])([^{_SPACE}>]*+))|(?![{_SPACE}]*+=))"""
)
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_UNCAPTURED = re.sub(r'\((?!\?)', '(?:', _ATTRIBUTE)
_REST_OF_TAG = rf'[^{_SPACE}/>]*+)((?:[{_SPACE}/]*+{_UNCAPTURED})*+)([{_SPACE}/]*+)>'
_HTML_TAG = re.compile(rf'<(/?)([a-zA-Z]{_REST_OF_TAG}')
_XML_TAG = re.compile(rf"""<(/?)([^{_SPACE}/>!?<="'&]{_REST_OF_TAG}""")
_HTML_NAME, _XML_NAME = re.compile('[a-zA-Z]'), re.compile(rf"""[^{_SPACE}/>!?<="'&]""")
# Their values, or that they are there, decide whether an element is visible.
_ATTRIBUTES_THAT_MATTER = words('hidden style popover open data type encoding display visibility color face size')
# Longer than any name that matters.
_MAX_NAME = 32

# The parts of an unfinished tag: what each consists of.
_PARTS = {
    'tag': re.compile(rf'[^{_SPACE}/>]*+'),
    'between': re.compile(rf'[{_SPACE}/]*+'),
    'first': re.compile(r'.', re.DOTALL),
    'name': re.compile(rf'[^{_SPACE}/>=]*+'),
    'after': re.compile(rf'[{_SPACE}]*+'),
    'before': re.compile(rf'[{_SPACE}]*+'),
    'bare': re.compile(rf'[^{_SPACE}>]*+'),
    '"': re.compile(r'[^"]*+'),
    "'": re.compile(r"[^']*+"),
}

# https://html.spec.whatwg.org/multipage/parsing.html#frameset-ok-flag: a page with one of these is not one of frames.
_NOT_IN_FRAMESET = words(
    'applet area body br button embed hr iframe image img keygen marquee object select table textarea wbr xmp'
)

_RAW_TEXT = words('script style xmp iframe noembed noframes noscript title textarea plaintext')
_RAW_ENDS = {
    name: re.compile('</' + ''.join(f'[{c}{c.upper()}]' for c in name) + rf'(?=[{_SPACE}/>])')
    for name in _RAW_TEXT - {'plaintext'}
}
# https://html.spec.whatwg.org/multipage/parsing.html#script-data-double-escaped-state: what may change the state.
_SCRIPT_END = _RAW_ENDS['script'].pattern
_SCRIPT_START = _SCRIPT_END.replace('/', '', 1)
_SCRIPT = {
    'plain': re.compile(f'<!--|{_SCRIPT_END}'),
    'escaped': re.compile(f'-->|{_SCRIPT_START}|{_SCRIPT_END}'),
    'double': re.compile(f'-->|{_SCRIPT_END}'),
}

_REFERENCE = re.compile(r'&(?:#([0-9]++|[xX][0-9a-fA-F]++);?|([a-zA-Z][a-zA-Z0-9]{0,31}+;?))')
_UNFINISHED_REFERENCE = re.compile(r'&(?:#(?:[0-9]*+|[xX][0-9a-fA-F]*+)|[a-zA-Z][a-zA-Z0-9]{0,31}+)?\Z')
# The longest name that counts without its semicolon.
_MAX_SHORT_NAME = 6
# More digits than any character's number has.
_MAX_DIGITS = 10

_CDATA = '<![CDATA['
_DOCTYPE_START = '<!DOCTYPE'
_HTML_COMMENT_END, _XML_COMMENT_END = re.compile('--!?>'), re.compile('-->')
_EMPTY_COMMENT = re.compile('-?>')
_DOCTYPE = {
    'outside': re.compile(r"""["'\[>]"""),
    'inside': re.compile(r"""["'\]]|<!--|<\?"""),
    '"': re.compile('"'),
    "'": re.compile("'"),
    '<!--': re.compile('-->'),
    '<?': re.compile(r'\?>'),
}


def markup_kind(content_type: str, head: str) -> str:
    """Return whether a page whose text begins with `head` is `html`, `xml` or, empty, no markup.

    `content_type` is the header's value: the last valid type of its list counts, and if there is none, the page itself
    (https://fetch.spec.whatwg.org/#concept-header-extract-mime-type, https://mimesniff.spec.whatwg.org/).
    """
    kind = parse_content_type(content_type)
    if kind.is_unknown:
        return _sniff(head.lstrip('\ufeff\t\n\f\r '))
    if kind.is_html:
        return 'html'
    return 'xml' if kind.is_xml else ''


def _sniff(head: str) -> str:
    if head.startswith('<?xml'):
        return 'xml'
    return 'html' if _SNIFFED_HTML.match(head) else ''


class VisibleText:
    """A stage that takes markup of a `kind`, `html` or `xml`, and returns the visible text with blocks apart."""

    def __init__(self, kind: str) -> None:
        self._xml = kind == 'xml'
        self._text: list[str] = []
        self._elements = (OpenXmlElements if self._xml else OpenElements)(self._text)
        self._tag_at = (_XML_TAG if self._xml else _HTML_TAG).match
        self._name_at = (_XML_NAME if self._xml else _HTML_NAME).match
        self._long = (_CDATA, _DOCTYPE_START) if self._xml else (_CDATA,)
        self._step: Callable[[str, int], int] = self._read_data
        self._held = ''
        self._raw = ''
        self._raw_shown = False
        self._script = 'plain'
        self._titled = False
        self._seen = False
        self._tag = _UnfinishedTag(False)
        self._doctype = ['outside']

    def feed(self, piece: str) -> str:
        """Return the visible text that a further piece of markup makes certain."""
        text = self._held + piece
        self._held = ''
        at = 0
        while at < len(text):
            at = self._step(text, at)
        return self._take()

    def flush(self) -> str:
        """Return the visible text that only the end of the page makes certain."""
        held, self._held = self._held, ''
        if held and (self._raw or self._step in (self._read_data, self._read_cdata)) and not held.startswith('<!'):
            self._write_raw(held) if self._raw else self._write(held)
        return self._take()

    def _take(self) -> str:
        text = ''.join(self._text)
        self._text.clear()
        self._seen = self._seen or not (text.isspace() or not text)
        return text.replace('\0', '')

    def _read_data(self, text: str, at: int) -> int:
        """Read text and tags up to what is neither."""
        find, size, elements, append, step = text.find, len(text), self._elements, self._text.append, self._step
        pass_plain = elements.pass_plain
        while at < size and self._step is step:
            start = find('<', at)
            if start < 0:
                return self._write_last(text, at)
            if start > at:
                data = text[at:start]
                # Most text needs none of that, and a call for each would take a tenth of the time.
                if '&' in data or elements.hidden or elements.foreign:
                    self._write(data)
                else:
                    append(data)
            end = find('>', start, start + MAX_PLAIN_TAG)
            if end > 0 and pass_plain(text[start + 1 : end]):
                at = end + 1
            elif match := self._tag_at(text, start):
                at = match.end()
                self._pass_tag(match)
            else:
                at = self._read_other(text, start)
        return at

    def _pass_tag(self, match: re.Match[str]) -> None:
        slash, name, text, rest = match.groups()
        attributes = _parse_attributes(name, text, self._elements.foreign) if text else {}
        if not attributes and self._elements.pass_plain(slash + name):
            return
        if not self._xml:
            name = name.lower()
        if slash:
            self._elements.end(name)
        else:
            self._start(name, attributes, rest.endswith('/'))

    def _write(self, text: str) -> None:
        elements = self._elements
        if not elements.hidden:
            if '&' in text:
                text = _decode(text)
            self._text.append(text.replace('\0', '\ufffd') if elements.foreign else text)

    def _write_last(self, text: str, at: int) -> int:
        """Write the text before the end of a piece, but for a character reference that may go on."""
        reference = text.rfind('&', at)
        if reference < 0 or not _UNFINISHED_REFERENCE.match(text, reference):
            reference = len(text)
        self._write(text[at:reference])
        self._hold_reference(text[reference:])
        return len(text)

    def _hold_reference(self, reference: str) -> None:
        if len(reference) > _MAX_NAME + 2:
            digits = reference.lstrip('&#xX').lstrip('0')
            reference = ('&#x' if reference[2] in 'xX' else '&#') + (digits[:_MAX_DIGITS] or '0')
        self._held = reference

    def _read_other(self, text: str, at: int) -> int:
        """Read a `<` with which no tag begins that ends in `text`."""
        rest = text[at : at + len(_CDATA)]
        if rest.startswith('<!--'):
            self._step = self._read_comment_start
            return at + 4
        if rest == _CDATA and (self._xml or self._elements.in_foreign_element()):
            self._step = self._read_cdata
            return at + len(_CDATA)
        if len(rest) < len(_CDATA) and (rest in ('<!-', '</') or any(long.startswith(rest) for long in self._long)):
            self._held = rest
            return len(text)
        if self._name_at(rest, 2 if rest[1] == '/' else 1):
            return self._begin_tag(rest, at)
        if rest[1] in '!?/':
            return self._read_declaration(rest, at)
        self._write('<')
        return at + 1

    def _read_declaration(self, rest: str, at: int) -> int:
        self._step = self._read_bogus_comment
        if self._xml and rest[1] == '?':
            self._step = self._read_instruction
        elif self._xml and rest == _DOCTYPE_START:
            self._step = self._read_doctype
        return at + 2

    def _read_bogus_comment(self, text: str, at: int) -> int:
        return self._skip(text, text.find('>', at) + 1)

    def _skip(self, text: str, end: int, keep: int = 0) -> int:
        """Go on with data at `end`, or if that is 0, hold the last `keep` characters, with which the end may begin."""
        if end:
            self._step = self._read_data
            return end
        self._held = text[len(text) - keep :] if keep else ''
        return len(text)

    def _read_instruction(self, text: str, at: int) -> int:
        end = text.find('?>', at)
        return self._skip(text, end + 2 if end >= 0 else 0, min(1, len(text) - at))

    def _read_comment_start(self, text: str, at: int) -> int:
        rest = text[at : at + 2]
        if rest == '-' and at + 1 == len(text):
            self._held = rest
            return len(text)
        self._step = self._read_comment
        match = None if self._xml else _EMPTY_COMMENT.match(rest)
        return self._skip(text, at + match.end()) if match else at

    def _read_comment(self, text: str, at: int) -> int:
        match = (_XML_COMMENT_END if self._xml else _HTML_COMMENT_END).search(text, at)
        return self._skip(text, match.end() if match else 0, min(3, len(text) - at))

    def _read_cdata(self, text: str, at: int) -> int:
        end = text.find(']]>', at)
        # A bracket at the end may belong to the end of the section.
        stop = end if end >= 0 else max(at, len(text) - 2, len(text.rstrip(']')))
        if not self._elements.hidden:
            self._text.append(text[at:stop].replace('\0', '\ufffd'))
        return self._skip(text, end + 3 if end >= 0 else 0, len(text) - stop)

    def _read_doctype(self, text: str, at: int) -> int:
        """Skip the document type of XML, which may have entities inside and these may have markup."""
        while match := _DOCTYPE[self._doctype[-1]].search(text, at):
            at, found = match.end(), match[0]
            if self._doctype[-1] not in ('outside', 'inside') or found == ']':
                self._doctype.pop()
            elif found == '>':
                return self._skip(text, at)
            else:
                self._doctype.append('inside' if found == '[' else found)
        return self._skip(text, 0, min(3, len(text) - at))

    def _begin_tag(self, rest: str, at: int) -> int:
        self._step = self._read_tag
        self._tag = _UnfinishedTag(rest[1] == '/')
        return at + 1 + self._tag.ends

    def _read_tag(self, text: str, at: int) -> int:
        """Read a tag that a piece cuts, part by part."""
        tag = self._tag
        while at < len(text):
            if tag.part == 'between' and text[at] == '>':
                self._step = self._read_data
                name = tag.name if self._xml else tag.name.lower()
                if tag.ends:
                    self._elements.end(name)
                else:
                    self._start(name, tag.attributes, tag.slash)
                return at + 1
            at = tag.read(text, at)
        return at

    def _start(self, name: str, attributes: Mapping[str, str], closed: bool) -> None:
        elements = self._elements
        self._seen = self._seen or name in _NOT_IN_FRAMESET
        if self._xml or elements.foreign or name not in _RAW_TEXT:
            if name == 'frameset' and not (self._xml or self._seen or any(map(str.strip, self._text))):
                # A page of frames has no text of its own.
                self._start_raw('plaintext', False)
                return
            elements.start(name, attributes, closed)
        elif name == 'title':
            self._start_raw(name, not self._titled and not elements.is_open('template'))
            self._titled = True
        elif name in ('textarea', 'xmp', 'plaintext'):
            self._start_shown(name, attributes)
        else:
            self._start_raw(name, False)

    def _start_shown(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin text without markup: xmp and plaintext are blocks, and end a paragraph."""
        if name != 'textarea':
            self._elements.start(name, {}, closed=False)
            self._elements.end(name)
        self._start_raw(name, self._elements.shows(name, attributes))

    def _start_raw(self, name: str, shown: bool) -> None:
        self._raw, self._raw_shown = name, shown
        self._script = 'plain'
        self._step = self._read_script if name == 'script' else self._read_raw
        self._separate_raw()

    def _separate_raw(self) -> None:
        if self._raw_shown and self._raw != 'textarea':
            self._text.append('\n')

    def _end_raw(self) -> None:
        self._separate_raw()
        self._raw = ''
        self._step = self._read_data

    def _read_raw(self, text: str, at: int) -> int:
        """Read text in which only the end tag of its element is markup."""
        if self._raw == 'plaintext':
            self._write_raw(text[at:])
            return len(text)
        match = _RAW_ENDS[self._raw].search(text, at)
        if match:
            self._write_raw(text[at : match.start()])
            self._end_raw()
            return match.start()
        end = text.rfind('<', max(at, len(text) - len(self._raw) - 2))
        end = len(text) if end < 0 else end
        if self._raw in ('title', 'textarea'):
            reference = text.rfind('&', at, end)
            if reference >= 0 and end == len(text) and _UNFINISHED_REFERENCE.match(text, reference):
                self._write_raw(text[at:reference])
                self._hold_reference(text[reference:])
                return len(text)
        self._write_raw(text[at:end])
        self._held = text[end:]
        return len(text)

    def _write_raw(self, text: str) -> None:
        if self._raw_shown:
            if self._raw in ('title', 'textarea'):
                text = _decode(text)
            self._text.append(text.replace('\0', '\ufffd'))

    def _read_script(self, text: str, at: int) -> int:
        """Skip a script, which may have a comment with a script inside."""
        while match := _SCRIPT[self._script].search(text, at):
            at, found = match.end(), match[0]
            if found == '-->':
                self._script = 'plain'
            elif found == '<!--':
                self._script = 'escaped'
                at -= 2
            elif found[1] != '/':
                self._script = 'double'
            elif self._script == 'double':
                self._script = 'escaped'
            else:
                self._end_raw()
                return match.start()
        self._held = text[max(at, len(text) - len('</script')) :]
        return len(text)


class _UnfinishedTag:
    """A tag that is read part by part: its name, and the attributes that matter."""

    def __init__(self, ends: bool) -> None:
        self.ends = ends
        self.name = ''
        self.attributes: dict[str, str] = {}
        self.slash = False
        self.part = 'tag'
        self._attribute = ''
        self._value = StringIO()

    def read(self, text: str, at: int) -> int:
        """Read as much as belongs to the current part, and return where that ends."""
        match = _PARTS[self.part].match(text, at)
        run = match[0] if match else ''
        at += len(run)
        self._keep(run)
        if at < len(text):
            return at + self._go_on(text[at])
        if self.part == 'first':
            self.part = 'name'
        return at

    def _keep(self, run: str) -> None:
        if self.part == 'tag':
            self.name = (self.name + run)[:_MAX_NAME]
        elif self.part == 'between':
            self.slash = run.endswith('/') if run else self.slash
        elif self.part in ('first', 'name'):
            self._attribute = (self._attribute + run)[:_MAX_NAME]
        elif self.part in ('"', "'", 'bare') and self._attribute.lower() in _ATTRIBUTES_THAT_MATTER:
            self._value.write(run)

    def _go_on(self, character: str) -> int:
        """Choose the next part by the character that ends this one, and return how many of it are read."""
        part = self.part
        if part == 'between':
            if character != '>':
                self.slash = False
                self.part = 'first'
        elif part == 'first':
            self.part = 'name'
        elif part in ('name', 'after') and character == '=':
            self.part = 'before'
            return 1
        elif part == 'name' and character not in '/>':
            self.part = 'after'
        elif part == 'before':
            self.part = character if character in '"\'' else 'bare'
            return int(character in '"\'')
        else:
            self._end_attribute()
            return int(part in ('"', "'"))
        return 0

    def _end_attribute(self) -> None:
        name = self._attribute.lower()
        if name in _ATTRIBUTES_THAT_MATTER:
            self.attributes.setdefault(name, _decode(self._value.getvalue()))
        self._attribute, self._value = '', StringIO()
        self.part = 'between'


def _parse_attributes(name: str, text: str, foreign: str) -> dict[str, str]:
    """Return the attributes that matter, with their values; of two of the same name the first counts."""
    if not foreign and name.lower() not in ('object', 'dialog', 'svg'):
        lower = text.lower()
        if 'hidden' not in lower and 'style' not in lower and 'popover' not in lower:
            return {}
    attributes: dict[str, str] = {}
    for match in _ATTRIBUTES.finditer(text):
        attribute = match[1].lower()
        if attribute in _ATTRIBUTES_THAT_MATTER:
            attributes.setdefault(attribute, _decode(match[2] or match[3] or match[4] or ''))
    return attributes


def _decode(text: str) -> str:
    """Return text with its character references resolved: most pages have but this one."""
    if text.count('&') == text.count('&amp;'):
        return text.replace('&amp;', '&')
    return _REFERENCE.sub(_resolve, text)


def _resolve(reference: re.Match[str]) -> str:
    """Return the characters of https://html.spec.whatwg.org/multipage/parsing.html#character-reference-state."""
    number, name = reference.groups()
    if number:
        return _character(number)
    if name in html5:
        return html5[name]
    for length in range(min(len(name), _MAX_SHORT_NAME), 1, -1):
        if name[:length] in html5:
            return html5[name[:length]] + name[length:]
    return reference[0]


def _character(number: str) -> str:
    base = 16 if number[0] in 'xX' else 10
    code = int(number.lstrip('xX').lstrip('0')[:_MAX_DIGITS] or '0', base)
    if code == 0 or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        return '\ufffd'
    if 0x80 <= code <= 0x9F:
        return bytes([code]).decode('cp1252', 'ignore') or chr(code)
    return chr(code)
