"""Numba kernels: arrays in, arrays out. Imports numpy and numba, nothing else."""
