"""Threads that read sensors side by side.

One kernel spread over all cores waits for its slowest part at its end; whole sensors on a core
each seldom wait. What a sensor reads is a function of the scene, so it does not matter who reads
it, and when.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar

import numba
from numba.np.ufunc.parallel import threading_layer

T = TypeVar("T")

_SAFE_LAYERS = ("omp", "tbb")
"""Threading layers of numba that kernels may enter from several threads at once."""


def workers_for(jobs: int) -> int:
    """How many threads may share so many jobs; 1 where the caller does them better itself.

    Args:
        jobs: large ones.
    """
    threads = numba.get_num_threads()
    if threads == 1 or jobs < threads or threading_layer() not in _SAFE_LAYERS:
        return 1
    return min(threads, jobs)


def do_together(jobs: Sequence[Callable[[], T]], workers: int) -> list[T]:
    """The results of jobs, begun in their order; the first error is raised when all have ended.

    A job may wait for one before it.

    Args:
        jobs: what is to be done.
        workers: threads; one means that the caller does it all.
    """
    if workers <= 1:
        return [job() for job in jobs]
    pool = _pool(os.getpid(), workers, max(1, numba.get_num_threads() // workers))
    futures: list[Future[T]] = [pool.submit(job) for job in jobs]
    for future in futures:
        future.exception()
    return [future.result() for future in futures]


@cache
def _pool(process: int, workers: int, threads: int) -> ThreadPoolExecutor:
    """Threads of this process (a fork has none of them), whose kernels use some threads each."""
    return ThreadPoolExecutor(
        workers, f"sensors of {process}", initializer=partial(numba.set_num_threads, threads)
    )
