# (C) The awesome contributors 2026-present
# All rights reserved
# Licensed under a 3-clause BSD style license (see LICENSE)
from .__about__ import __version__
from .check import AwesomeCheck

__all__ = ['AwesomeCheck', '__version__']
