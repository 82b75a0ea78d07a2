"""How this floor compiles.

An `entry` is called from Python and kept in the numba cache; an `inner` function is only called by
compiled ones and comes with them. Division by zero gives infinity, as in numpy. Kernels take few
wide arrays of records (`bodies[i].speed`): each further array of a signature costs compile time in
every function that it passes through.
"""

from typing import Any

from numba import njit

_NO_WRAPPERS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

entry = njit(cache=True, error_model="numpy")
inner = njit(error_model="numpy", **_NO_WRAPPERS)
