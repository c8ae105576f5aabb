"""Python's face of the table and the cache: validation, and the GIL dropped around the work."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.math cimport INFINITY, NAN
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cpp_bool
from libcpp.memory cimport unique_ptr
from libcpp.string_view cimport string_view

cimport cython
cimport numpy as cnp

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    Py_ssize_t PyArray_CountNonzero(cnp.ndarray array) except -1

cdef Py_ssize_t MAX_FEATURES = 1 << 16
cdef Py_ssize_t MAX_ROWS = 1 << 40
cdef Py_ssize_t MAX_MS = kMostMs
cdef size_t WORTH_THE_GIL = 1 << 11  # keys, some 20 us; who gives it away may wait 5 ms for it

ABSENT = 0
FOUND = kFound
UNKNOWN = kUnknown
STALE = kStale
CLAIMED = kClaimed


cdef Py_ssize_t _bounded(str name, object value, Py_ssize_t least, Py_ssize_t most) except -1:
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}, must be in [{least}, {most}]")
    return value


cdef _array(str name, object value, int kind, str dtype, tuple shape):
    """Raise unless `value` is a C-contiguous array of this kind and shape."""
    if not cnp.PyArray_Check(value):
        raise TypeError(f"{name} is a {type(value).__name__}, must be an array of {dtype}")
    cdef bint same = cnp.PyArray_EquivTypenums(cnp.PyArray_TYPE(value), kind)
    if not (same and cnp.PyArray_ISNOTSWAPPED(value)):
        raise TypeError(f"{name} is an array of {value.dtype}, must be of {dtype}")
    if not _has_shape(value, shape):
        raise ValueError(f"{name} has shape {value.shape}, must be {shape}")
    if not cnp.PyArray_IS_C_CONTIGUOUS(value):
        raise ValueError(f"{name} is not C-contiguous")
    if not cnp.PyArray_ISALIGNED(value):
        raise ValueError(f"{name} is not aligned")


cdef bint _has_shape(cnp.ndarray array, tuple shape):
    cdef int i
    if cnp.PyArray_NDIM(array) != len(shape):
        return False
    for i in range(cnp.PyArray_NDIM(array)):
        if cnp.PyArray_DIM(array, i) != <Py_ssize_t> shape[i]:
            return False
    return True


cdef _output(str name, object value):
    if not cnp.PyArray_ISWRITEABLE(value):
        raise ValueError(f"{name} is read-only, must be writable")


cdef Keys _keys(object hashes, object fingerprints) except *:
    """Both arrays as the keys of a call."""
    cdef Py_ssize_t count = cnp.PyArray_SIZE(hashes) if cnp.PyArray_Check(hashes) else 0
    _array("hashes", hashes, cnp.NPY_UINT64, "uint64", (count,))
    _array("fingerprints", fingerprints, cnp.NPY_UINT64, "uint64", (count,))
    cdef Keys keys
    keys.hashes = <const uint64_t*> cnp.PyArray_DATA(hashes)
    keys.fingerprints = <const uint64_t*> cnp.PyArray_DATA(fingerprints)
    keys.count = count
    return keys


cdef Keys _buffered(const Py_buffer& buffer) except *:
    """The keys of a call, hashes and then fingerprints."""
    cdef Keys keys
    keys.count = buffer.len // sizeof(Key)
    keys.hashes = <const uint64_t*> buffer.buf
    keys.fingerprints = keys.hashes + keys.count
    if buffer.len % sizeof(Key):
        raise ValueError(f"keys has {buffer.len} bytes, must have a multiple of {sizeof(Key)}")
    if <size_t> buffer.buf % sizeof(uint64_t):
        raise ValueError("keys is not aligned")
    return keys


def unpack(list stored not None, features):
    """Put rows that were stored as packed little-endian float64 into one array.

    Parameters
    ----------
    stored
        n bytes, or None where there is no row.
    features
        float64 values in a row, 1 to 65,536.

    Returns
    -------
    values : float64[n, features]
        NaN where there is no row.
    found : bool[n]
        There is a row, of this many values.
    misfits : int
        Rows of another length.

    Raises
    ------
    TypeError
        When an element is neither bytes nor None.
    ValueError
        When `features` is out of its range.
    """
    cdef Py_ssize_t width = _bounded("features", features, 1, MAX_FEATURES)
    cdef Py_ssize_t size = width * sizeof(double), misfits = 0, i = 0, j
    cdef cnp.npy_intp[2] shape = [len(stored), width]
    cdef cnp.ndarray values = cnp.PyArray_EMPTY(2, shape, cnp.NPY_DOUBLE, 0)
    cdef cnp.ndarray found = cnp.PyArray_EMPTY(1, shape, cnp.NPY_BOOL, 0)
    cdef double* rows = <double*> cnp.PyArray_DATA(values)
    cdef cpp_bool* mask = <cpp_bool*> cnp.PyArray_DATA(found)
    for row in stored:
        if not (row is None or type(row) is bytes):
            raise TypeError(f"stored[{i}] is {row!r:.80}, must be bytes or None")
        mask[i] = row is not None and PyBytes_GET_SIZE(row) == size
        if mask[i]:
            memcpy(rows + i * width, PyBytes_AS_STRING(row), size)
        else:
            misfits += row is not None
            for j in range(width):
                rows[i * width + j] = NAN
        i += 1
    return values, found, misfits


def count(mask):
    """Return how many elements of an array aren't 0, as `numpy.count_nonzero` does.

    Parameters
    ----------
    mask
        An array of any shape.

    Raises
    ------
    TypeError
        When the mask isn't an array.
    """
    if not cnp.PyArray_Check(mask):
        raise TypeError(f"mask is a {type(mask).__name__}, must be an array")
    return PyArray_CountNonzero(mask)


def screen(values, found):
    """Turn found rows with an unusable value into rows not found, in place.

    Parameters
    ----------
    values
        float64[n, features]; becomes NaN where a row is not found in the end.
    found
        bool[n]; becomes False where a value isn't finite and > 0.

    Returns
    -------
    int
        How many found rows there were with such a value.

    Raises
    ------
    TypeError, ValueError
        When an argument has another dtype or shape, isn't contiguous or can't be written.
    """
    if not cnp.PyArray_Check(values) or cnp.PyArray_NDIM(values) != 2:
        raise TypeError("values must be an array of float64 of 2 dimensions")
    cdef Py_ssize_t count = cnp.PyArray_DIM(values, 0), width = cnp.PyArray_DIM(values, 1)
    _array("values", values, cnp.NPY_DOUBLE, "float64", (count, width))
    _array("found", found, cnp.NPY_BOOL, "bool", (count,))
    _output("values", values)
    _output("found", found)
    cdef double* rows = <double*> cnp.PyArray_DATA(values)
    cdef cpp_bool* mask = <cpp_bool*> cnp.PyArray_DATA(found)
    cdef Py_ssize_t bad = 0, i, j
    cdef bint usable
    for i in range(count):
        usable = mask[i]
        for j in range(i * width, (i + 1) * width):
            usable = usable and 0 < rows[j] < INFINITY
        if not usable:
            bad += mask[i]
            mask[i] = False
            for j in range(i * width, (i + 1) * width):
                rows[j] = NAN
    return bad


@cython.final
cdef class RowReader:
    """Reads rows out of answers to MGETs of the Redis protocol, as they arrive.

    It knows what nearly all answers are: arrays of rows stored as packed little-endian float64, and
    of nulls. At whatever else the protocol has, it ends for good.

    Parameters
    ----------
    rows
        n keys, >= 0.
    most
        Keys in each command but the last, >= 1.
    features
        float64 values in a row, 1 to 65,536.

    Attributes
    ----------
    values : float64[n, features]
        NaN where there is no row; undefined for rows that have not arrived.
    found : bool[n]
        There is a row; undefined for those that have not arrived.
    complete : bool
        All rows have arrived.

    Raises
    ------
    ValueError
        When a parameter is out of its range.
    """

    cdef unique_ptr[Reader] _reader
    cdef readonly object values
    cdef readonly object found

    def __cinit__(self, rows, most, features):
        cdef cnp.npy_intp[2] shape
        shape[0] = _bounded("rows", rows, 0, MAX_ROWS)
        shape[1] = _bounded("features", features, 1, MAX_FEATURES)
        cdef cnp.ndarray values = cnp.PyArray_EMPTY(2, shape, cnp.NPY_DOUBLE, 0)
        cdef cnp.ndarray found = cnp.PyArray_EMPTY(1, shape, cnp.NPY_BOOL, 0)
        cdef double* out = <double*> cnp.PyArray_DATA(values)
        cdef cpp_bool* mask = <cpp_bool*> cnp.PyArray_DATA(found)
        cdef size_t together = _bounded("most", most, 1, MAX_ROWS)
        self._reader.reset(new Reader(shape[0], together, shape[1], out, mask))
        self.values, self.found = values, found

    @property
    def complete(self):
        return self._reader.get().complete()

    def read(self, bytes text not None, Py_ssize_t start):
        """Read on, as far as the text has whole rows of the answers.

        Parameters
        ----------
        text
            What arrived, and before it what a call before left unread.
        start
            Where to begin in it.

        Returns
        -------
        int
            Where the reader has stopped; -1 when what is there is something else.

        Raises
        ------
        TypeError
            When the text isn't bytes.
        ValueError
            When `start` isn't in [0, len(text)].
        """
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
        _bounded("start", start, 0, size)
        cdef string_view rest = string_view(PyBytes_AS_STRING(text) + start, size - start)
        cdef size_t taken = self._reader.get().read(rest)
        return -1 if self._reader.get().odd() else start + <Py_ssize_t> taken


@cython.final
cdef class FeatureTable:
    """A bounded table in memory from an id's two hashes to its row of features.

    A row is found by the hash and confirmed by the fingerprint, so two ids that share a hash never
    share a row. Rows stay in one block of slots of 16 + 8 * `features` bytes, at most 4/5 of them
    taken; the block doubles, within one reallocation, up to the size that `max_rows` needs.

    Every method may be called from any thread. A call works without the GIL, unless it looks up
    less than 2,048 keys, and no other call sees it half done.

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
        self.features = _bounded("features", features, 1, MAX_FEATURES)
        self.max_rows = _bounded("max_rows", max_rows, 1, MAX_ROWS)
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

    def lookup(self, hashes, fingerprints):
        """Read the rows of many keys.

        Parameters
        ----------
        hashes, fingerprints
            uint64[n].

        Returns
        -------
        values : float64[n, features]
            The rows, NaN where there is none.
        found : bool[n]
            Which rows there are.
        hits : int
            How many there are.

        Raises
        ------
        TypeError, ValueError
            When an argument has another dtype or shape, or isn't contiguous.
        """
        return self._looked_up(_keys(hashes, fingerprints))

    def lookup_keys(self, keys):
        """Read the rows of many keys that lie in one buffer.

        Parameters
        ----------
        keys
            A contiguous buffer, such as an `IdColumn`, of n uint64, the hashes, and after them n
            uint64, the fingerprints.

        Returns
        -------
        tuple
            See `lookup`.

        Raises
        ------
        TypeError
            When the keys aren't a buffer.
        ValueError, BufferError
            When the buffer isn't contiguous or aligned, or its size no multiple of 16 bytes.
        """
        cdef Py_buffer buffer
        PyObject_GetBuffer(keys, &buffer, PyBUF_SIMPLE)
        try:
            return self._looked_up(_buffered(buffer))
        finally:
            PyBuffer_Release(&buffer)

    cdef tuple _looked_up(self, const Keys& keys):
        cdef cnp.npy_intp[2] shape = [keys.count, self.features]
        cdef cnp.ndarray values = cnp.PyArray_EMPTY(2, shape, cnp.NPY_DOUBLE, 0)
        cdef cnp.ndarray found = cnp.PyArray_EMPTY(1, shape, cnp.NPY_BOOL, 0)
        cdef double* rows = <double*> cnp.PyArray_DATA(values)
        cdef cpp_bool* mask = <cpp_bool*> cnp.PyArray_DATA(found)
        return values, found, self._into(keys, rows, mask)

    cdef size_t _into(self, const Keys& keys, double* rows, cpp_bool* mask):
        if keys.count < WORTH_THE_GIL:
            return self._table.get().lookup(keys, rows, mask)
        with nogil:
            return self._table.get().lookup(keys, rows, mask)

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
        cdef Keys keys = _keys(hashes, fingerprints)
        _array("values", values, cnp.NPY_DOUBLE, "float64", (keys.count, self.features))
        cdef const double* rows = <const double*> cnp.PyArray_DATA(values)
        cdef size_t refused
        with nogil:
            refused = self._table.get().upsert(keys, rows)
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
        cdef Keys keys = _keys(hashes, fingerprints)
        cdef size_t removed
        with nogil:
            removed = self._table.get().remove(keys)
        return removed

    def clear(self):
        """Remove every row and give the memory back."""
        with nogil:
            self._table.get().clear()


@cython.final
cdef class Tally:
    """What a lookup of n keys came upon; found + unknown + absent = n.

    Attributes
    ----------
    found
        How many rows are served, fresh or stale.
    unknown
        How many keys the store is known not to know.
    stale
        How many of the rows served are stale.
    claimed
        How many of the stale ones this call has claimed.
    absent
        How many keys there is nothing to serve for.
    oldest_ms
        Milliseconds since the oldest row served was written, 0 where none is.
    """

    cdef readonly Py_ssize_t found, unknown, stale, claimed, absent, oldest_ms


cdef Tally _tally(CacheTally counts):
    cdef Tally tally = Tally.__new__(Tally)
    tally.found = counts.found
    tally.unknown = counts.unknown
    tally.stale = counts.stale
    tally.claimed = counts.claimed
    tally.absent = counts.absent
    tally.oldest_ms = counts.oldest
    return tally


@cython.final
cdef class FeatureCache:
    """A bounded cache in memory from an id's two hashes to its row of features, or to the knowledge
    that the store has none.

    A row is fresh up to an age of `ttl_ms`, stale for `stale_ms` more, and not served after; that
    the store has none is known for `negative_ttl_ms`. The first lookup that serves a stale row
    claims it: its caller is to refresh it, by `upsert`, or to give the claim back, by `release`. A
    claim that comes to neither ends with the row, when that is no longer served.

    When `max_rows` are held, a new one takes the place of another: of the next row, in the order of
    a clock's hand that passes them all, that is no longer served or wasn't since the hand last
    passed (CLOCK). So rows that are read once don't drive out those read again and again.

    Rows stay in one block of slots of 24 + 8 * `features` bytes, at most 4/5 of them taken; the
    block doubles, within one reallocation, up to the size that `max_rows` needs.

    Every method may be called from any thread. A call works without the GIL, and no other call sees
    it half done. Time is whatever the caller says it is: milliseconds, 0 to 2**48 - 1. A row that
    was written later than `now_ms` is as old as a new one.

    Parameters
    ----------
    features
        float64 values in a row, 1 to 65,536.
    max_rows
        The most rows that are ever held, negative ones too, 1 to 2**40.
    ttl_ms, negative_ttl_ms, stale_ms
        Milliseconds, 0 to 2**48 - 1.

    Raises
    ------
    ValueError
        When a parameter is out of its range.

    Notes
    -----
    The key whose hash and fingerprint are both 2**64 - 1 stands for an empty slot: it is never
    kept.
    """

    cdef unique_ptr[Cache] _cache
    cdef readonly Py_ssize_t features
    cdef readonly Py_ssize_t max_rows
    cdef readonly Py_ssize_t ttl_ms
    cdef readonly Py_ssize_t negative_ttl_ms
    cdef readonly Py_ssize_t stale_ms

    def __cinit__(self, features, max_rows, *, ttl_ms, negative_ttl_ms, stale_ms):
        self.features = _bounded("features", features, 1, MAX_FEATURES)
        self.max_rows = _bounded("max_rows", max_rows, 1, MAX_ROWS)
        self.ttl_ms = _bounded("ttl_ms", ttl_ms, 0, MAX_MS)
        self.negative_ttl_ms = _bounded("negative_ttl_ms", negative_ttl_ms, 0, MAX_MS)
        self.stale_ms = _bounded("stale_ms", stale_ms, 0, MAX_MS)
        cdef Limits limits
        limits.ttl = self.ttl_ms
        limits.negative_ttl = self.negative_ttl_ms
        limits.stale = self.stale_ms
        self._cache.reset(new Cache(self.features, self.max_rows, limits))

    def __len__(self):
        cdef size_t rows
        with nogil:
            rows = self._cache.get().rows()
        return rows

    @property
    def nbytes(self):
        """Bytes of the block that holds the slots."""
        cdef size_t size
        with nogil:
            size = self._cache.get().bytes()
        return size

    @property
    def evicted(self):
        """How many rows gave their place to others so far."""
        cdef size_t evicted
        with nogil:
            evicted = self._cache.get().evicted()
        return evicted

    def lookup(self, hashes, fingerprints, now_ms, values, states):
        """Read the rows of many keys, and claim those that are stale and not claimed.

        Parameters
        ----------
        hashes, fingerprints
            uint64[n].
        now_ms
            The time, in milliseconds.
        values
            float64[n, features], written: the rows, NaN where none is served.
        states
            uint8[n], written: FOUND where a row is served, with STALE when it is, and that with
            CLAIMED when this call has claimed it; UNKNOWN where the store is known not to know the
            key; ABSENT, which is 0, for all others.

        Returns
        -------
        Tally
            How many keys are in which state, and the age of the oldest row.

        Raises
        ------
        TypeError, ValueError
            When an argument has another dtype or shape, isn't contiguous, can't be written or is
            out of its range.
        """
        cdef Keys keys = _keys(hashes, fingerprints)
        _array("values", values, cnp.NPY_DOUBLE, "float64", (keys.count, self.features))
        _array("states", states, cnp.NPY_UINT8, "uint8", (keys.count,))
        _output("values", values)
        _output("states", states)
        cdef uint64_t now = _bounded("now_ms", now_ms, 0, MAX_MS)
        cdef double* rows = <double*> cnp.PyArray_DATA(values)
        cdef uint8_t* bits = <uint8_t*> cnp.PyArray_DATA(states)
        cdef CacheTally tally
        with nogil:
            tally = self._cache.get().lookup(keys, now, rows, bits)
        return _tally(tally)

    def upsert(self, hashes, fingerprints, now_ms, values, found):
        """Write what the store said of many keys, in order: the last of equal keys stays.

        Ends the keys' claims. Rows that were there keep their standing before the clock's hand.

        Parameters
        ----------
        hashes, fingerprints
            uint64[n].
        now_ms
            The time, in milliseconds.
        values
            float64[n, features]; any value, NaN too.
        found
            bool[n]: which keys the store knows; the values of all others are never served.

        Returns
        -------
        int
            How many rows gave their place.

        Raises
        ------
        TypeError, ValueError
            When an argument has another dtype or shape, isn't contiguous or is out of its range.
        MemoryError
            When the cache can't grow; the rows written until then stay.
        """
        cdef Keys keys = _keys(hashes, fingerprints)
        _array("values", values, cnp.NPY_DOUBLE, "float64", (keys.count, self.features))
        _array("found", found, cnp.NPY_BOOL, "bool", (keys.count,))
        cdef uint64_t now = _bounded("now_ms", now_ms, 0, MAX_MS)
        cdef const double* rows = <const double*> cnp.PyArray_DATA(values)
        cdef const uint8_t* mask = <const uint8_t*> cnp.PyArray_DATA(found)
        cdef size_t evicted
        with nogil:
            evicted = self._cache.get().upsert(keys, now, rows, mask)
        return evicted

    def release(self, hashes, fingerprints):
        """Give the claims of many keys back, so that the next lookup may claim them.

        Parameters
        ----------
        hashes, fingerprints
            uint64[n].

        Returns
        -------
        int
            How many were claimed.

        Raises
        ------
        TypeError, ValueError
            When an argument has another dtype or shape, or isn't contiguous.
        """
        cdef Keys keys = _keys(hashes, fingerprints)
        cdef size_t released
        with nogil:
            released = self._cache.get().release(keys)
        return released

    def remove(self, hashes, fingerprints):
        """Remove the rows of many keys.

        Parameters
        ----------
        hashes, fingerprints
            uint64[n].

        Returns
        -------
        int
            How many were there, those that are no longer served too.

        Raises
        ------
        TypeError, ValueError
            When an argument has another dtype or shape, or isn't contiguous.
        """
        cdef Keys keys = _keys(hashes, fingerprints)
        cdef size_t removed
        with nogil:
            removed = self._cache.get().remove(keys)
        return removed

    def clear(self):
        """Remove every row and give the memory back."""
        with nogil:
            self._cache.get().clear()
