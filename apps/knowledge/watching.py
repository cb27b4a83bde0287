"""Tells when something in the ingested folders has changed. Polling works on every file system."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from apps.knowledge.sources import is_address, walk

PAUSE = 1.0
State = dict[str, tuple[int, int]]


def state_of(sources: Sequence[str]) -> State:
    """Time and size of each file. What vanishes meanwhile is simply not there."""
    state: State = {}
    for source in sources:
        path = Path(source)
        if is_address(source):
            continue
        for file in walk(path) if path.is_dir() else [path]:
            try:
                status = file.stat()
            except OSError:
                continue
            state[str(file)] = (status.st_mtime_ns, status.st_size)
    return state


def changes(sources: Sequence[str], *, wait: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Yields once for each look that finds a difference, for ever."""
    before = state_of(sources)
    while True:
        wait(PAUSE)
        after = state_of(sources)
        if after != before:
            before = after
            yield
