cdef class Dispatch:
    cdef public object crossovers, gpu
    cdef object _observer, _one, _several, _rest

    cdef object _drawn(self, object crossover, Py_ssize_t arms, object draw)
    cdef object _on_cpu(self, object crossover, Py_ssize_t arms, object draw)
