"""Waiting for what a page in a browser comes to, however busy the machine is."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 120  # that a test waits at most
BETWEEN_MS = 50


def eventually(tab, look: Callable[[], Any], wanted: Any) -> None:
    """Assert that what `look` returns comes to be what is wanted."""
    until = time.monotonic() + PATIENCE_S
    while (seen := look()) != wanted and time.monotonic() < until:
        tab.wait_for_timeout(BETWEEN_MS)
    assert seen == wanted
