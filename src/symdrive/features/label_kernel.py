"""Semantic tags to the resolution of the labels, compiled."""

from collections.abc import Mapping
from typing import no_type_check

import numpy as np
from numba import njit

WORDS: Mapping[int, type[np.generic]] = {4: np.uint32, 8: np.uint64}
"""Squares whose rows fit into one machine word, by their side in pixels."""


@njit(cache=True, error_model="numpy")
@no_type_check
def highest_ranks(words, ranks, found):
    """The highest rank of each square of k by k pixels.

    Most squares lie on one surface, as the square before them does: they are known by comparing k
    words, without looking at a pixel.

    Args:
        words: k pixels each, one of `WORDS`, (k * rows, cols).
        ranks: rank of each tag, (256,), bytes.
        found: (rows, cols), bytes; is written.
    """
    rows, cols = found.shape
    k = words.shape[0] // rows
    for row in range(rows):
        last, best, known = words[row * k, 0], 0, False
        for col in range(cols):
            first, flat = words[row * k, col], True
            for i in range(1, k):
                flat &= words[row * k + i, col] == first
            if not (known and flat and first == last):
                best = 0
                for i in range(1 if flat else k):
                    word = words[row * k + i, col]
                    for _ in range(k):
                        best = max(best, ranks[word & 255])
                        word >>= 8
                last, known = first, flat
            found[row, col] = best
