from bandit.crossovers cimport Crossover, Crossovers
from bandit.sampler cimport CpuSampler


cdef class Dispatch:
    cdef public Crossovers crossovers
    cdef public object gpu
    cdef CpuSampler _one, _several
    cdef object _observer, _rest

    cdef object _drawn(self, Crossover crossover, Py_ssize_t arms, object draw)
    cdef object _on_cpu(self, Crossover crossover, Py_ssize_t arms, object draw)
    cdef CpuSampler _cpu(self, object backend)
