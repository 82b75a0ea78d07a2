"""Many drives on a few processes, with progress, and resumed where they stopped."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import cv2
import numba

from symdrive.evaluate.jobs import Job, drive, is_done
from symdrive.scoring.records import RouteRecord, read_record


@dataclass(frozen=True)
class Done:
    """One finished job.

    Attributes:
        job: what was asked.
        record: how it went.
        fresh: driven now, not found on disk.
    """

    job: Job
    record: RouteRecord
    fresh: bool


def run_jobs(
    jobs: Sequence[Job], workers: int, tell: Callable[[Done], None] = lambda _: None
) -> list[Done]:
    """Drive all jobs that are not done yet; results in the order of the jobs.

    Args:
        jobs: what to drive; folders must differ.
        workers: processes; 1 drives in this one.
        tell: called as each job ends.

    Raises:
        UserError: as a drive raises; drives that have ended stay on disk.
    """
    found: dict[Path, Done] = {}

    def finish(done: Done) -> None:
        found[done.job.folder] = done
        tell(done)

    waiting: list[Job] = []
    for job in jobs:
        if is_done(job):
            finish(Done(job, read_record(job.folder), fresh=False))
        else:
            waiting.append(job)
    if workers <= 1 or len(waiting) <= 1:
        for job in waiting:
            finish(Done(job, drive(job), fresh=True))
    else:
        _in_parallel(waiting, min(workers, len(waiting)), finish)
    return [found[job.folder] for job in jobs]


def _in_parallel(jobs: Sequence[Job], workers: int, finish: Callable[[Done], None]) -> None:
    """Fresh processes (no fork: Embree and numba own threads), one thread each."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=one_thread)
    try:
        futures: dict[Future[RouteRecord], Job] = {pool.submit(drive, job): job for job in jobs}
        for future in as_completed(futures):
            finish(Done(futures[future], future.result(), fresh=True))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def one_thread() -> None:
    """Processes share the cores; two threads each would only get in each other's way.

    A worker whose parent was killed ends as well, instead of driving on for nobody.
    """
    numba.set_num_threads(1)
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    """Wait for the end of the parent, then end."""
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
