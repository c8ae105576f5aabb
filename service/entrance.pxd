from service.predict cimport Predict
from service.shed cimport Shed


cdef class Entrance:
    cdef public Py_ssize_t most_bytes
    cdef Shed _shed
    cdef Predict _endpoint
    cdef str _path
    cdef object _names
