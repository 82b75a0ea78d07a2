"""Try something in a process of its own, which it may take down: for the fuzzers."""

import os
import pickle
import resource
import select
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass

MEMORY = 8 << 30


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt: a word, and what was said."""

    word: str
    text: str

    @property
    def is_finding(self) -> bool:
        """Whether it may not be."""
        return self.word not in ("fine", "warned", "refused")


def refusal(error: Exception, name: str) -> Outcome:
    """An error message: one sentence that names the file, or a finding."""
    text = str(error)
    is_clear = name in text and "\n" not in text and len(text) < 600
    return Outcome("refused" if is_clear else "mumbled", text)


def in_own_process(attempt: Callable[[], Outcome], limit_s: float) -> Outcome:
    """Attempt something in a child; a child that dies or hangs is an outcome, too."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            outcome = attempt()
        except BaseException:  # noqa: BLE001 - whatever it is, it is the finding
            outcome = Outcome("raised", traceback.format_exc())
        with os.fdopen(write, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        ready, _, _ = select.select([pipe], [], [], limit_s)
        if not ready:
            os.kill(child, signal.SIGKILL)
        content = pipe.read()
    _, status = os.waitpid(child, 0)
    if content:
        return pickle.loads(content)
    if not ready:
        return Outcome("hung", f"no answer in {limit_s} s")
    return Outcome("died", f"status {status}, signal {os.WTERMSIG(status)}")
