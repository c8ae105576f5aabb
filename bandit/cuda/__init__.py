"""Beta draws on a CUDA device, by Numba: the kernel of `betadist` once more, bit for bit.

Nothing here is imported before a `CudaSampler` is made. CUDA.md says what stands where.
"""
