"""Stages that a page passes piece by piece, the one driver of them all, and how they look at the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from datadog_checks.awesome.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Stage[In, Out](Protocol):
    """Turns pieces into pieces; what the next piece may change is held until then."""

    def feed(self, piece: In, /) -> Out: ...

    def flush(self) -> Out: ...


class Tick(Protocol):
    """Raises a fault where fewer than `seconds` of the run remain; called now and then by what may take long."""

    def __call__(self, seconds: float = 0, /) -> None: ...


def no_tick(seconds: float = 0, /) -> None:
    """Let it take as long as it takes."""


def drive[In, Out](pieces: Iterable[In], stage: Stage[In, Out]) -> Iterator[Out]:
    """Yield what `stage` makes of `pieces` and of their end.

    A fault that ends the pieces is held back until the stage was flushed: what came before it may decide.
    """
    fault = None
    try:
        for piece in pieces:
            yield stage.feed(piece)
    except Fault as e:
        fault = e
    yield stage.flush()
    if fault:
        raise fault
