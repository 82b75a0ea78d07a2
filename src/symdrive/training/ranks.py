"""Several processes that train one student: each computes the gradient of a share of the batch."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue

from torch.multiprocessing.spawn import ProcessRaisedException, spawn

from symdrive.core.errors import UserError
from symdrive.training.framework import ClusterEnvironment, DDPStrategy

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Rank:
    """One of the processes.

    Attributes:
        number: from 0 on; 0 writes checkpoints and logs.
        count: of all.
        port: where process 0 listens for the others.
    """

    number: int = 0
    count: int = 1
    port: int = 0

    @property
    def leads(self) -> bool:
        """Whether this one writes what is written once."""
        return self.number == 0


ALONE = Rank()


def launch(count: int, work: Callable[[Rank], None]) -> None:
    """Run `work` in so many processes of this computer at once, and wait for all of them.

    Args:
        count: of processes.
        work: told which of them it is; travels by pickle.

    Raises:
        UserError: the first one of any process; the others are then ended.
    """
    refused: SimpleQueue[str] = get_context("spawn").SimpleQueue()
    try:
        spawn(_run, (count, _free_port(), work, refused), nprocs=count)
    except ProcessRaisedException as error:
        if refused.empty():
            raise
        raise UserError(refused.get()) from error


def strategy(rank: Rank, backend: str, *, unused: bool) -> DDPStrategy:
    """How Lightning averages the gradients of the processes.

    Args:
        rank: which one this is.
        backend: `nccl` for GPUs or `gloo` for CPUs.
        unused: whether a step may leave parameters without gradient.
    """
    return DDPStrategy(
        cluster_environment=_Place(rank),
        process_group_backend=backend,
        find_unused_parameters=unused,
    )


def _run(
    number: int,
    count: int,
    port: int,
    work: Callable[[Rank], None],
    refused: "SimpleQueue[str]",
) -> None:
    """The work of one process; a refusal is told to the one that waits."""
    try:
        work(Rank(number, count, port))
    except UserError as error:
        refused.put(str(error))
        raise


def _free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class _Place(ClusterEnvironment):
    """Tells Lightning which process this is, in place of environment variables."""

    def __init__(self, rank: Rank) -> None:
        self._rank = rank

    @property
    def creates_processes_externally(self) -> bool:
        """`launch` has started them all."""
        return True

    @property
    def main_address(self) -> str:
        """Of process 0."""
        return HOST

    @property
    def main_port(self) -> int:
        """Of process 0."""
        return self._rank.port

    @staticmethod
    def detect() -> bool:
        """Never guessed."""
        return False

    def world_size(self) -> int:
        """Number of processes."""
        return self._rank.count

    def set_world_size(self, size: int) -> None:
        """Lightning repeats what it was told."""

    def global_rank(self) -> int:
        """Number of this process."""
        return self._rank.number

    def set_global_rank(self, rank: int) -> None:
        """Lightning repeats what it was told."""

    def local_rank(self) -> int:
        """Number of this process on its computer, which is the only one."""
        return self._rank.number

    def node_rank(self) -> int:
        """Number of the computer."""
        return 0
