"""Keeps the body of a page in a file."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress


def save_body(body: bytes | bytearray, path: str) -> str:
    """Write a body to a file, and return in words what was done; a file that is there stays whole until then."""
    # A rename would put a file in the place of a device or a link, and needs the directory to be writable.
    is_replaced = os.path.isfile(path) and not os.path.islink(path) and os.access(os.path.dirname(path) or '.', os.W_OK)
    if is_replaced:
        _replace(body, path)
    else:
        _write(body, path)
    return f'{len(body)} bytes to {path}'


def _replace(body: bytes | bytearray, path: str) -> None:
    beside = f'{path}.{os.getpid()}.part'
    try:
        _write(body, beside)
        shutil.copymode(path, beside)
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            os.unlink(beside)
        raise


def _write(body: bytes | bytearray, path: str) -> None:
    with open(path, 'wb') as file:
        file.write(body)
