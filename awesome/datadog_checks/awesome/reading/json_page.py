"""Whether JMESPath expressions (https://jmespath.org/specification.html) are true of a page that is JSON.

The page is hostile: it is collected up to a limit, since in memory it takes up to 29 bytes for each of its own; what
nests too deeply or has numbers of thousands of digits is no JSON here (RFC 8259, section 9, lets a parser set such
limits); and the walk through it calls `tick` now and then, so that it ends in time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn

from datadog_checks.awesome.fault import Fault

from .charsets import text_decoder
from .labels import encoding_of
from .verdict import JSONMiss, Side, Value

if TYPE_CHECKING:
    from .stream import Tick

# In bytes.
MAX_JSON = 1024 * 1024
TOO_LARGE = f'the page is larger than {MAX_JSON} bytes, too large to be read as JSON'
# In digits: of more, Python refuses to make a number.
MAX_DIGITS = 4300
# In characters, of a string that a message may show: more than any secret has, so that the mask sees a whole one.
MAX_SHOWN = 16 * 1024
# How many steps are walked between two calls of `tick`: a few milliseconds.
STEPS_PER_TICK = 2000
# How often an expression may hold what it is applied to: `[@, @]` does so twice, and each pipe after it multiplies.
MAX_COPIES = 64
# Between these tokens, outside of brackets, stand the sides that decide.
_OPERATORS = frozenset({'or', 'and', 'eq', 'ne', 'lte', 'gte', 'lt', 'gt', 'not'})
# Functions that are true or false: their arguments decide.
_TESTS = frozenset({'contains', 'starts_with', 'ends_with'})
_OPENING = frozenset({'lparen', 'lbracket', 'lbrace', 'filter'})
_CLOSING = frozenset({'rparen', 'rbracket', 'rbrace'})
# What people write who know other languages, and what is right.
_HABITS = {
    '=': 'compare with ==',
    'and': 'write && for "and"',
    'or': 'write || for "or"',
    'not': 'write ! for "not"',
}

# What JMESPath raises where a page has something else than an expression takes.
FAILURES = (ValueError, TypeError, ArithmeticError, AttributeError, LookupError, RecursionError)


class NotJSON(ValueError):
    """A page is not JSON, or not such that it can be held; says why."""


@dataclass(frozen=True)
class Expression:
    """A compiled expression."""

    text: str
    tree: Mapping[str, Any]
    sides: tuple[Expression, ...] = ()
    """The parts whose values decide: of `a.b < \\`1\\`` that is `a.b`. Of a side, the arguments of its function."""


@dataclass(frozen=True)
class NumberAt:
    """Where a JSON page has a number."""

    name: str
    expression: Expression


class JSONBody:
    """Collects the body of a page that passes by in pieces, as far as it is not too large."""

    def __init__(self) -> None:
        self.is_too_large = False
        self._body = bytearray()

    def pass_on(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `chunks` as they are."""
        for chunk in chunks:
            self.is_too_large = self.is_too_large or len(self._body) + len(chunk) > MAX_JSON
            if self.is_too_large:
                self._body.clear()
            else:
                self._body += chunk
            yield chunk

    def parse(self, encoding: str | None) -> Any:
        """Return the document; raise NotJSON. `encoding` is a label that overrides what the bytes look like."""
        body, self._body = bytes(self._body), bytearray()
        if self.is_too_large:
            raise NotJSON(TOO_LARGE)
        return parse_json(body, encoding)


class Walker:
    """Evaluates expressions on one document."""

    def __init__(self, document: Any, tick: Tick) -> None:
        self._document = document
        self._interpreter = _interpreter_class()(tick)

    def judge(self, expressions: Sequence[Expression]) -> tuple[JSONMiss, ...]:
        """Return the expressions that are not true; those that are known if the time is over by then."""
        misses: list[JSONMiss] = []
        try:
            for expression in expressions:
                if not self._is_true(expression):
                    misses.append(JSONMiss(expression.text, ()))
                    sides = tuple(side for part in expression.sides for side in self._show_part(part))
                    misses[-1] = JSONMiss(expression.text, sides)
        except Fault:
            if not misses:
                raise
        return tuple(misses)

    def _show_part(self, part: Expression) -> Iterable[Side]:
        """Return what a part of an expression is, and what a function was given that does not take it."""
        side = self.show(part)
        return [side, *map(self.show, part.sides if side.has_failed else ())]

    def show(self, expression: Expression) -> Side:
        """Return what an expression is."""
        try:
            found = self.evaluate(expression)
            if isinstance(found, str):
                return Side(expression.text, found[:MAX_SHOWN], True)
            return Side(expression.text, _in_words(found), False)
        except FAILURES as e:
            return Side(expression.text, _failure(e), False, True)

    def number(self, source: NumberAt) -> Value:
        """Return the number that an expression is, or what it is instead."""
        try:
            found = self.evaluate(source.expression)
            # Of more than 300 digits no number fits into a metric.
            number = float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
        except FAILURES:
            number = None
        if number is not None and abs(number) < float('inf'):
            return Value(source.name, number)
        return Value(source.name, None, 'no number', self.show(source.expression))

    def _is_true(self, expression: Expression) -> bool:
        """Return whether an expression is true: in JMESPath all but false, null, and what is empty."""
        try:
            found = self.evaluate(expression)
        except FAILURES:
            return False
        return found is not None and found is not False and found not in ('', [], {})

    def evaluate(self, expression: Expression) -> Any:
        """Return what an expression is; raise one of FAILURES where it is nothing."""
        return self._interpreter.visit(expression.tree, self._document)


def parse_json(body: bytes, encoding: str | None) -> Any:
    """Return the document that `body` is; raise NotJSON."""
    try:
        text = text_decoder(encoding_of(encoding) or 'utf-8').decode(body, True) if encoding else _decode(body)
        return json.loads(text.removeprefix('\ufeff'), parse_int=_integer, parse_constant=_refuse_constant)
    except RecursionError:
        raise NotJSON('the page nests too deeply to be read as JSON') from None
    except json.JSONDecodeError as e:
        empty = not body.strip()
        raise NotJSON(
            'the page is empty, not JSON'
            if empty
            else f'the page is not JSON: error in line {e.lineno}, column {e.colno}'
        ) from None


def compile_expression(text: str) -> Expression:
    """Compile an expression; raise ValueError saying what is wrong and what to do."""
    try:
        tree = _compile(text)
        _check_functions(tree)
        _count_copies(tree)
        sides = tuple(_expression(side, map(_expression, _arguments(side))) for side in _sides(text))
    except (ValueError, RecursionError) as e:
        raise ValueError(f'{text!r} is not a JMESPath expression: {_reason(e)}') from None
    return Expression(text.strip(), tree, sides)


def _expression(text: str, sides: Iterable[Expression] = ()) -> Expression:
    return Expression(text, _compile(text), tuple(sides))


def _compile(text: str) -> Mapping[str, Any]:
    import jmespath

    tree: Mapping[str, Any] = jmespath.compile(text).parsed
    return tree


def _check_functions(node: Mapping[str, Any]) -> None:
    """Raise ValueError for a call that JMESPath itself would only refuse on a page."""
    from jmespath.functions import Functions

    if node['type'] == 'function_expression':
        known = Functions.FUNCTION_TABLE.get(node['value'])
        if not known:
            raise ValueError(f'there is no function {node["value"]}()')
        signature, given = known['signature'], len(node['children'])
        is_variadic = bool(signature[-1].get('variadic'))
        if given < len(signature) or (given > len(signature) and not is_variadic):
            raise ValueError(
                f'{node["value"]}() takes {len(signature)} argument{"s" * (len(signature) > 1)}, not {given}'
            )
    for child in node.get('children', ()):
        if isinstance(child, Mapping):
            _check_functions(child)


def _count_copies(node: Mapping[str, Any]) -> int:
    """Return how often what an expression returns may hold what it is applied to; raise ValueError if that is absurd.

    Nothing could stop what is made of a document that doubles with each pipe.
    """
    children = [child for child in node.get('children', ()) if isinstance(child, Mapping)]
    counts, kind = [_count_copies(child) for child in children], node['type']
    is_mapped = any(child['type'] == 'expref' for child in children)
    if kind in ('multi_select_list', 'multi_select_dict') or (kind == 'function_expression' and not is_mapped):
        copies = sum(counts)
    elif kind in ('comparator', 'not_expression', 'and_expression', 'or_expression'):
        copies = max(counts)
    else:
        copies = prod(counts)
    if copies > MAX_COPIES:
        raise ValueError(f'it returns more than {MAX_COPIES} copies of what it selects')
    return max(copies, 1)


def _reason(error: Exception) -> str:
    from jmespath.exceptions import EmptyExpressionError, IncompleteExpressionError, ParseError

    match error:
        case RecursionError():
            return 'it nests too deeply'
        case EmptyExpressionError():
            return 'it is empty'
        case IncompleteExpressionError() | ParseError(token_type='EOF'):
            return 'it is incomplete'
        case ParseError(token_type='NUMBER'):
            return f'write the number as `{error.token_value}`, in backticks'
        case ParseError():
            found = str(error.token_value)
            advice = f': {_HABITS[found]}' if found in _HABITS else ''
            return f'unexpected {found!r} after {error.lex_position} characters{advice}'
    return str(error)


def _sides(text: str) -> list[str]:
    """Return the parts of an expression whose values decide, but for literals, each once."""
    *before, last = _split(text, {'pipe'})
    # What is behind a pipe is about what is before it.
    start = ''.join(f'{part} | ' for part in before)
    return list(dict.fromkeys(start + side for part in _split(last, _OPERATORS) for side in _deciding(part)))


def _deciding(part: str) -> list[str]:
    """Return what decides about a part between two operators."""
    if not part or part[0] in '\'`&':
        return []
    name, inner = _call(part)
    if name in _TESTS:
        return _arguments(part)
    return [part] if name or not inner else _sides(inner)


def _arguments(text: str) -> list[str]:
    """Return the arguments of a call, but for literals and expressions."""
    name, inner = _call(text)
    return [side for argument in _split(inner, {'comma'}) for side in _deciding(argument)] if name and inner else []


def _call(text: str) -> tuple[str, str]:
    """Return the function and the arguments of a call, or no function and what is in parentheses; empty if neither."""
    from jmespath.lexer import Lexer

    tokens = [token for token in Lexer().tokenize(text) if token['type'] != 'eof']
    name = tokens.pop(0)['value'] if tokens[0]['type'] == 'unquoted_identifier' else ''
    depths = list(accumulate(_depth(token['type']) for token in tokens))
    if tokens and tokens[0]['type'] == 'lparen' and depths.index(0) == len(depths) - 1:
        return name, text[tokens[0]['end'] : tokens[-1]['start']].strip()
    return '', ''


def _split(text: str, kinds: Collection[str]) -> list[str]:
    """Return what stands between the tokens of some kinds that are in no brackets."""
    from jmespath.lexer import Lexer

    parts, depth, start = [], 0, 0
    for token in Lexer().tokenize(text):
        depth += _depth(token['type'])
        if token['type'] == 'eof' or (not depth and token['type'] in kinds):
            parts.append(text[start : token['start']].strip())
            start = token['start'] + len(token['value'])
    return parts


def _depth(kind: str) -> int:
    """Return by how much a token makes what follows it deeper in brackets."""
    return (kind in _OPENING) - (kind in _CLOSING)


@cache
def _functions() -> Any:
    from jmespath.functions import Functions, signature

    class BoundedFunctions(Functions):
        """Makes no string that is longer than a page."""

        @signature({'types': ['string']}, {'types': ['array-string']})  # type: ignore[untyped-decorator]  # it has none
        def _func_join(self, separator: str, strings: Sequence[str]) -> str:
            if len(separator) * len(strings) + sum(map(len, strings)) > MAX_JSON:
                raise ValueError
            return separator.join(strings)

    return BoundedFunctions()


@cache
def _interpreter_class() -> Any:
    from jmespath.visitor import Options, TreeInterpreter

    class Interpreter(TreeInterpreter):
        """Looks at the time now and then."""

        def __init__(self, tick: Tick) -> None:
            super().__init__(Options(custom_functions=_functions()))
            self._tick = tick
            self._steps = 0

        def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
            self._steps += 1
            if not self._steps % STEPS_PER_TICK:
                self._tick()
            return super().visit(node, *args, **kwargs)

        def visit_comparator(self, node: Any, value: Any) -> Any:
            try:
                return super().visit_comparator(node, value)
            except TypeError:
                # What has no order, such as a string and a number, is null by the specification.
                return None

    return Interpreter


def _decode(body: bytes) -> str:
    """Return the text of JSON: UTF-8 (RFC 8259, section 8.1), or what a byte order mark or its zeros show."""
    try:
        return body.decode(json.detect_encoding(body))
    except UnicodeError:
        raise NotJSON('the page is not JSON: it is not valid UTF-8') from None


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotJSON(f'the page has a number of more than {MAX_DIGITS} digits')
    return int(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise NotJSON(f'the page is not JSON: {name} is no number there')


def _in_words(found: Any) -> str:
    """Return what a document has, in as few words as tell it apart."""
    match found:
        case list():
            return f'a list of {len(found)}'
        case dict():
            return f'an object with {len(found)} key{"" if len(found) == 1 else "s"}'
        case None | bool() | int() | float():
            return json.dumps(found)
    return 'an expression'


def _failure(error: Exception) -> str:
    """Return why an expression has no value: a function of it was given what it does not take."""
    found = re.search(r'In function (\w+)\(\)', str(error))
    return f'not what {found[1]}() takes' if found else 'more than can be computed'
