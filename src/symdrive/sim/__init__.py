"""The embedded simulator: structure-of-arrays state, numba kernels, one table of tick phases."""
