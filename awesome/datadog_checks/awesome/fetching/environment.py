"""Variables of the process's environment, set for as long as a login needs them.

Libraries in C read the keytab and the cache of Kerberos from there, and other checks of the Agent share it.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCK = threading.Lock()
_LAYERS: list[Environment] = []
# What the variables were before the first layer set them.
_BEFORE: dict[str, str | None] = {}


class Environment:
    """Variables that are set while this context is entered, and then are what they were.

    Contexts of several threads may overlap in any order: the one that was entered last counts.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __enter__(self) -> Self:
        with _LOCK:
            for name in self._variables:
                if not any(name in layer._variables for layer in _LAYERS):
                    _BEFORE[name] = os.environ.get(name)
            _LAYERS.append(self)
            try:
                self._apply()
            except ValueError:
                # Nobody leaves what could not be entered.
                _LAYERS.remove(self)
                self._apply()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        with _LOCK:
            _LAYERS.remove(self)
            self._apply()

    def _apply(self) -> None:
        for name in self._variables:
            values = [layer._variables[name] for layer in _LAYERS if name in layer._variables]
            if (value := values[-1] if values else _BEFORE[name]) is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
