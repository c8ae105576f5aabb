cimport cython

from featurestore.batch cimport FeatureBatch
from featurestore.measurement cimport Histogram
from service.stages cimport Stages


cdef class ModelCounts:
    cdef public Py_ssize_t predictions, candidates, missing, degraded_requests, invalid
    cdef public object lost


cdef class CatalogCounts:
    cdef public Py_ssize_t predictions, arms


cdef class Counts:
    cdef public dict models, catalogs, problems, answers, stage_seconds
    cdef public Histogram ok_seconds, problem_seconds
    cdef double _degraded_share, _degraded_at

    @cython.locals(counts=ModelCounts)
    cpdef void prediction(
        self, str model, FeatureBatch batch, Py_ssize_t missing, Py_ssize_t degraded
    ) except *
    cpdef void answer(self, str protocol, int status) except *
    @cython.locals(outcome=Histogram, times=Histogram)
    cpdef void took(self, int status, double seconds, Stages stages) except *
    cdef ModelCounts _of_model(self, str name)
