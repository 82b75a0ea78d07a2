"""Named random generators: every random number comes from a name and the seed of the run."""

import hashlib

import numpy as np


def generator(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for each (seed, name).

    Two subsystems never share a stream, so a draw more in one does not shift the other. PCG64 and
    SHA-256 are stable across platforms and numpy versions.
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


def derived_seed(seed: int, name: str) -> int:
    """A 31-bit seed for things that want an integer (torch, another process)."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:4], "little") & 0x7FFF_FFFF
