cdef class Crossover:
    cdef readonly object threads, gpu
    cdef readonly Py_ssize_t aside

    cpdef object backend(self, Py_ssize_t arms)
    cpdef object on_cpu(self, Py_ssize_t arms)


cdef class Crossovers:
    cdef readonly Crossover top_k, lists
    cdef readonly bint measured

    cpdef Crossover of(self, object draw)
