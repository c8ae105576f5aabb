cdef class CpuSampler:
    cdef readonly int threads

    cpdef object sample(self, object alpha, object beta, object key, object lanes)
