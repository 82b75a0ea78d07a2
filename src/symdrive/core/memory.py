"""What Python does with memory."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Do not look for cycles of garbage meanwhile; also a decorator.

    Python looks through all objects again and again while a program makes many. For one that makes
    millions of records and drops none of them, that is most of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
