"""Python's face of the table: validation, and the GIL dropped around the work."""

from libc.stdint cimport uint64_t
from libcpp cimport bool as cpp_bool
from libcpp.memory cimport unique_ptr

cimport cython
cimport numpy as cnp

cnp.import_array()

cdef Py_ssize_t MAX_FEATURES = 1 << 16
cdef Py_ssize_t MAX_ROWS = 1 << 40


cdef Py_ssize_t _bounded(str name, object value, Py_ssize_t most) except -1:
    if not 1 <= value <= most:
        raise ValueError(f"{name} is {value}, must be in [1, {most}]")
    return value


cdef _array(str name, object value, int kind, str dtype, tuple shape):
    """Raise unless `value` is a C-contiguous array of this kind and shape."""
    if not cnp.PyArray_Check(value):
        raise TypeError(f"{name} is a {type(value).__name__}, must be an array of {dtype}")
    cdef bint same = cnp.PyArray_EquivTypenums(cnp.PyArray_TYPE(value), kind)
    if not (same and cnp.PyArray_ISNOTSWAPPED(value)):
        raise TypeError(f"{name} is an array of {value.dtype}, must be of {dtype}")
    if value.shape != shape:
        raise ValueError(f"{name} has shape {value.shape}, must be {shape}")
    if not cnp.PyArray_IS_C_CONTIGUOUS(value):
        raise ValueError(f"{name} is not C-contiguous")
    if not cnp.PyArray_ISALIGNED(value):
        raise ValueError(f"{name} is not aligned")


cdef _output(str name, object value):
    if not cnp.PyArray_ISWRITEABLE(value):
        raise ValueError(f"{name} is read-only, must be writable")


cdef Py_ssize_t _keys(object hashes, object fingerprints) except -1:
    """The number of keys that both arrays hold."""
    cdef Py_ssize_t count = cnp.PyArray_SIZE(hashes) if cnp.PyArray_Check(hashes) else 0
    _array("hashes", hashes, cnp.NPY_UINT64, "uint64", (count,))
    _array("fingerprints", fingerprints, cnp.NPY_UINT64, "uint64", (count,))
    return count


@cython.final
cdef class FeatureTable:
    """A bounded table in memory from an id's two hashes to its row of features.

    A row is found by the hash and confirmed by the fingerprint, so two ids that share a hash never
    share a row. Rows stay in one block of slots of 16 + 8 * `features` bytes, at most 4/5 of them
    taken; the block doubles, within one reallocation, up to the size that `max_rows` needs.

    Every method may be called from any thread. A call works without the GIL, and no other call sees
    it half done.

    Parameters
    ----------
    features
        float64 values in a row, 1 to 65,536.
    max_rows
        The most rows that are ever held, 1 to 2**40.

    Raises
    ------
    ValueError
        When a parameter is out of its range.

    Notes
    -----
    The key whose hash and fingerprint are both 2**64 - 1 stands for an empty slot: it is never
    found and counts as a row that did not fit.
    """

    cdef unique_ptr[Table] _table
    cdef readonly Py_ssize_t features
    cdef readonly Py_ssize_t max_rows

    def __cinit__(self, features, max_rows):
        self.features = _bounded("features", features, MAX_FEATURES)
        self.max_rows = _bounded("max_rows", max_rows, MAX_ROWS)
        self._table.reset(new Table(self.features, self.max_rows))

    def __len__(self):
        cdef size_t rows
        with nogil:
            rows = self._table.get().rows()
        return rows

    @property
    def nbytes(self):
        """Bytes of the block that holds the slots."""
        cdef size_t size
        with nogil:
            size = self._table.get().bytes()
        return size

    def lookup(self, hashes, fingerprints, values, found):
        """Read the rows of many keys.

        Parameters
        ----------
        hashes, fingerprints
            uint64[n].
        values
            float64[n, features], written: the rows, NaN where there is none.
        found
            bool[n], written: which rows there are.

        Returns
        -------
        int
            How many were found.

        Raises
        ------
        TypeError, ValueError
            When an argument has another dtype or shape, isn't contiguous or can't be written.
        """
        cdef Py_ssize_t count = _keys(hashes, fingerprints)
        _array("values", values, cnp.NPY_DOUBLE, "float64", (count, self.features))
        _array("found", found, cnp.NPY_BOOL, "bool", (count,))
        _output("values", values)
        _output("found", found)
        cdef const uint64_t* low = <const uint64_t*> cnp.PyArray_DATA(hashes)
        cdef const uint64_t* high = <const uint64_t*> cnp.PyArray_DATA(fingerprints)
        cdef double* rows = <double*> cnp.PyArray_DATA(values)
        cdef cpp_bool* mask = <cpp_bool*> cnp.PyArray_DATA(found)
        cdef size_t hits
        with nogil:
            hits = self._table.get().lookup(low, high, count, rows, mask)
        return hits

    def upsert(self, hashes, fingerprints, values):
        """Write the rows of many keys, in order: the last of equal keys stays.

        Parameters
        ----------
        hashes, fingerprints
            uint64[n].
        values
            float64[n, features]; any value, NaN too.

        Returns
        -------
        int
            How many of the n did not fit, because the table holds `max_rows` other keys.

        Raises
        ------
        TypeError, ValueError
            When an argument has another dtype or shape, or isn't contiguous.
        MemoryError
            When the table can't grow; the rows written until then stay.
        """
        cdef Py_ssize_t count = _keys(hashes, fingerprints)
        _array("values", values, cnp.NPY_DOUBLE, "float64", (count, self.features))
        cdef const uint64_t* low = <const uint64_t*> cnp.PyArray_DATA(hashes)
        cdef const uint64_t* high = <const uint64_t*> cnp.PyArray_DATA(fingerprints)
        cdef const double* rows = <const double*> cnp.PyArray_DATA(values)
        cdef size_t refused
        with nogil:
            refused = self._table.get().upsert(low, high, count, rows)
        return refused

    def remove(self, hashes, fingerprints):
        """Remove the rows of many keys.

        Parameters
        ----------
        hashes, fingerprints
            uint64[n].

        Returns
        -------
        int
            How many were there.

        Raises
        ------
        TypeError, ValueError
            When an argument has another dtype or shape, or isn't contiguous.
        """
        cdef Py_ssize_t count = _keys(hashes, fingerprints)
        cdef const uint64_t* low = <const uint64_t*> cnp.PyArray_DATA(hashes)
        cdef const uint64_t* high = <const uint64_t*> cnp.PyArray_DATA(fingerprints)
        cdef size_t removed
        with nogil:
            removed = self._table.get().remove(low, high, count)
        return removed

    def clear(self):
        """Remove every row and give the memory back."""
        with nogil:
            self._table.get().clear()
