"""Python's face of the column: validation, allocation, and the GIL dropped around the work."""

from cpython.buffer cimport (
    PyBUF_SIMPLE,
    PyBuffer_FillInfo,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cimport cython
cimport numpy as cnp

cnp.import_array()

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 greatest)
    void* PyUnicode_DATA(object text)
    PyObject* new_bytes "PyBytes_FromStringAndSize"(const char* text, Py_ssize_t size) except NULL
    int resize_bytes "_PyBytes_Resize"(PyObject** text, Py_ssize_t size) except -1

HASH_VERSION = 1


cdef bytes _room(size_t size):
    return PyBytes_FromStringAndSize(NULL, size)


cdef string_view _view(bytes text):
    return string_view(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))


cdef str _decoded(string_view text):
    return PyUnicode_DecodeUTF8(text.data(), text.size(), NULL)


cdef string_view _utf8(object text) except *:
    """The UTF-8 of a str, which keeps it."""
    cdef Py_ssize_t size
    cdef const char* data = PyUnicode_AsUTF8AndSize(text, &size)
    return string_view(data, size)


cdef string_view _named_utf8(str name, object text) except *:
    if not isinstance(text, str):
        raise TypeError(f"{name} is a {type(text).__name__}, must be a str")
    try:
        return _utf8(text)
    except UnicodeEncodeError:
        raise ValueError(f"{name} is {text!r}, which UTF-8 can't hold") from None


cdef tuple _items(object ids, type kind):
    """The ids, kept alive for as long as the tuple is, each of this type."""
    if isinstance(ids, (str, bytes, bytearray)):
        raise TypeError(f"ids is a {type(ids).__name__}, must be a sequence of {kind.__name__}")
    cdef tuple items = tuple(ids)
    for i, item in enumerate(items):
        if not isinstance(item, kind):
            raise TypeError(f"ids[{i}] is a {type(item).__name__}, must be a {kind.__name__}")
    return items


cdef cnp.ndarray _integers(str name, object value, int kind):
    """The integers of this kind as a contiguous array."""
    if not cnp.PyArray_Check(value):
        wanted = cnp.PyArray_DescrFromType(kind)
        raise TypeError(f"{name} is a {type(value).__name__}, must be an array of {wanted}")
    if not cnp.PyArray_EquivTypenums(cnp.PyArray_TYPE(value), kind):
        wanted = cnp.PyArray_DescrFromType(kind)
        raise TypeError(f"{name} is an array of {value.dtype}, must be of {wanted}")
    if cnp.PyArray_NDIM(value) != 1:
        raise ValueError(f"{name} has {value.ndim} dimensions, must have 1")
    if cnp.PyArray_TYPE(value) == kind and cnp.PyArray_ISCARRAY_RO(value):
        return value
    # Copies what is strided, misaligned or in the other byte order.
    return cnp.PyArray_FROM_OTF(value, kind, cnp.NPY_ARRAY_CARRAY_RO)


cdef cnp.ndarray _indices(str name, object value, size_t bound):
    """The indices as a contiguous array, each in [0, bound)."""
    cdef cnp.ndarray array = _integers(name, value, cnp.NPY_INT64)
    cdef const int64_t* data = <const int64_t*> cnp.PyArray_DATA(array)
    cdef size_t count = cnp.PyArray_SIZE(array)
    cdef size_t outside
    with nogil:
        outside = first_outside(data, count, bound)
    if outside != count:
        raise IndexError(f"{name}[{outside}] is {data[outside]}, must be in [0, {bound})")
    return array


@cython.final
cdef class IdColumn:
    """Ids of any number, each with a stable hash and a fingerprint; immutable.

    A column refers to the bytes that its ids lie in, which may be a request's body, and keeps four
    numbers for each. It is made by `split`, `from_list`, `from_bytes`,
    `from_tensor` or `gather`.

    An id is any str that UTF-8 can hold, the empty one too. Its hash and its fingerprint are the
    two halves of one 128-bit SipHash-1-3 of its UTF-8 bytes; see `hash_id`.

    As a buffer it is the bytes of all its hashes and, after them, of all its fingerprints.
    """

    cdef bytes _bytes
    cdef bytes _table
    cdef Column _column

    def __cinit__(self):
        self._bytes = self._table = b""

    def __init__(self):
        raise TypeError(
            "an IdColumn is made by split, from_list, from_bytes, from_tensor or gather"
        )

    @classmethod
    def from_list(cls, ids):
        """Make a column of str.

        Parameters
        ----------
        ids
            A sequence of str.

        Raises
        ------
        TypeError
            When an id isn't a str.
        ValueError
            When an id holds a lone surrogate.
        """
        cdef tuple items = _items(ids, str)
        cdef Ids texts
        cdef Py_ssize_t i = 0
        texts.reserve(len(items))
        try:
            for i in range(len(items)):
                texts.push_back(_utf8(items[i]))
        except UnicodeEncodeError:
            raise ValueError(f"ids[{i}] is {items[i]!r}, which UTF-8 can't hold") from None
        return _packed(texts)

    @classmethod
    def from_bytes(cls, ids):
        """Make a column of UTF-8.

        Parameters
        ----------
        ids
            A sequence of bytes.

        Raises
        ------
        TypeError
            When an id isn't bytes.
        ValueError
            When an id isn't well-formed UTF-8 (RFC 3629).
        """
        cdef tuple items = _items(ids, bytes)
        cdef Ids texts
        cdef size_t wrong
        texts.reserve(len(items))
        for item in items:
            texts.push_back(_view(<bytes> item))
        with nogil:
            wrong = first_ill_formed(texts)
        if wrong != texts.size():
            raise ValueError(f"ids[{wrong}] is {items[wrong]!r}, must be UTF-8")
        return _packed(texts)

    @classmethod
    def from_tensor(cls, bytes body not None, size_t start, size_t count):
        """Make a column over the elements of a BYTES tensor of the Open Inference Protocol.

        Parameters
        ----------
        body
            bytes that end with the tensor: for each element its length as a 4-byte little-endian
            integer, then the element.
        start
            Where in the body the tensor starts.
        count
            How many elements it has.

        Raises
        ------
        TypeError
            When the body isn't bytes.
        ValueError
            When the tensor isn't made of exactly `count` elements, or one isn't well-formed UTF-8
            (RFC 3629); the first element that is wrong is named.
        """
        cdef string_view text = _view(body)
        if start > text.size():
            raise ValueError(f"start is {start}, must be in [0, {text.size()}]")
        cdef string_view tensor = string_view(text.data() + start, text.size() - start)
        if count > tensor.size() // LENGTH_SIZE:
            raise ValueError(
                f"{count} elements don't fit in {tensor.size()} bytes: each has a length of "
                f"{LENGTH_SIZE} bytes"
            )
        cdef IdColumn column = _column(body, count)
        cdef Verdict verdict
        with nogil:
            verdict = index_tensor(tensor, column._column)
        if verdict.flaw != Flaw.kNone:
            raise ValueError(_flaw(verdict))
        return column

    @classmethod
    def gather(cls, text, offsets, indices):
        """Make a column of copies of some of the ids that lie one after the other in a text.

        Parameters
        ----------
        text
            A contiguous buffer, such as bytes, a mapped file or an array of uint8.
        offsets
            uint64[n + 1]: id i is `text[offsets[i]:offsets[i + 1]]`, in UTF-8.
        indices
            int64[k], which ids, in the order wanted. What stands about the others isn't looked at.

        Raises
        ------
        TypeError
            When an argument isn't of its type or dtype.
        ValueError
            When the offsets are none, or don't ascend within the text, or an id isn't well-formed
            UTF-8 (RFC 3629).
        IndexError
            When an index isn't in [0, n).
        """
        cdef cnp.ndarray ends = _integers("offsets", offsets, cnp.NPY_UINT64)
        if cnp.PyArray_SIZE(ends) == 0:
            raise ValueError("offsets has 0 elements, must have at least 1")
        if cnp.PyArray_Check(indices):  # a copy, lest another thread change what was checked
            indices = cnp.PyArray_NewCopy(indices, cnp.NPY_CORDER)
        cdef cnp.ndarray order = _indices("indices", indices, cnp.PyArray_SIZE(ends) - 1)
        cdef Py_buffer buffer
        try:
            PyObject_GetBuffer(text, &buffer, PyBUF_SIMPLE)
        except (TypeError, ValueError, BufferError) as error:
            raise TypeError(
                f"text is a {type(text).__name__}, must be a contiguous buffer"
            ) from error
        try:
            return _gathered(string_view(<const char*> buffer.buf, buffer.len), ends, order)
        finally:
            PyBuffer_Release(&buffer)

    def __len__(self):
        return self._column.count

    def __getitem__(self, Py_ssize_t i):
        cdef Py_ssize_t count = self._column.count
        if not -count <= i < count:
            raise IndexError(f"index is {i}, must be in [{-count}, {count})")
        return _decoded(self._column[i if i >= 0 else i + count])

    def __eq__(self, other):
        if not isinstance(other, IdColumn):
            return NotImplemented
        cdef IdColumn that = other
        cdef bint same
        with nogil:
            same = equal(self._column, that._column)
        return same

    def __repr__(self):
        return f"<IdColumn of {len(self)} ids>"

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        cdef Py_ssize_t size = 2 * self._column.count * sizeof(uint64_t)
        PyBuffer_FillInfo(buffer, self, self._column.hashes, size, True, flags)

    @property
    def hashes(self):
        """uint64[n], read-only: the low half of each id's SipHash."""
        return self._array(cnp.NPY_UINT64, self._column.hashes)

    @property
    def fingerprints(self):
        """uint64[n], read-only: the high half of each id's SipHash."""
        return self._array(cnp.NPY_UINT64, self._column.fingerprints)

    @property
    def lengths(self):
        """uint32[n], read-only: bytes of each id in UTF-8."""
        return self._array(cnp.NPY_UINT32, self._column.lengths)

    def within(self, uint32_t least, uint32_t most):
        """Return whether every id has from `least` to `most` bytes in UTF-8."""
        return all_within(self._column, least, most)

    cdef _array(self, int kind, const void* data):
        # The base, being bytes, lets nobody make the array writable again.
        cdef cnp.npy_intp count = self._column.count
        cdef cnp.ndarray array = cnp.PyArray_SimpleNewFromData(1, &count, kind, <void*> data)
        cnp.set_array_base(array, self._table)
        cnp.PyArray_CLEARFLAGS(array, cnp.NPY_ARRAY_WRITEABLE)
        return array

    def tolist(self):
        """Return the ids as a list of str."""
        cdef size_t i
        return [_decoded(self._column[i]) for i in range(self._column.count)]

    def to_bytes(self, indices=None):
        """Return ids as a list of bytes in UTF-8.

        Parameters
        ----------
        indices
            int64[k], which ids; all of them by default.

        Raises
        ------
        TypeError, ValueError
            When the indices aren't an int64[k].
        IndexError
            When an index isn't in [0, n).
        """
        cdef size_t i
        cdef const int64_t* order
        if indices is None:
            return [self._bytes_of(i) for i in range(self._column.count)]
        cdef cnp.ndarray array = _indices("indices", indices, self._column.count)
        order = <const int64_t*> cnp.PyArray_DATA(array)
        return [self._bytes_of(order[i]) for i in range(<size_t> cnp.PyArray_SIZE(array))]

    cdef bytes _bytes_of(self, size_t i):
        cdef string_view text = self._column[i]
        return PyBytes_FromStringAndSize(text.data(), text.size())

    cdef IdColumn _derived(self, bytes text, size_t count):
        """A column for ids made of these, which knows what is known of them."""
        cdef IdColumn column = _column(text, count)
        column._column.plain, column._column.looked = self._column.plain, self._column.looked
        return column

    def take(self, indices):
        """Return the column of some of the ids, over the same bytes.

        Parameters
        ----------
        indices
            int64[k], which ids, in the order wanted.

        Raises
        ------
        TypeError, ValueError
            When the indices aren't an int64[k].
        IndexError
            When an index isn't in [0, n).
        """
        cdef cnp.ndarray array = _indices("indices", indices, self._column.count)
        cdef const int64_t* order = <const int64_t*> cnp.PyArray_DATA(array)
        cdef IdColumn column = self._derived(self._bytes, cnp.PyArray_SIZE(array))
        with nogil:
            take(self._column, order, column._column)
        return column

    def affix(self, prefix, suffix):
        """Return the column of prefix + id + suffix for every id.

        Parameters
        ----------
        prefix, suffix
            str.

        Raises
        ------
        TypeError
            When an argument isn't a str.
        ValueError
            When an argument holds a lone surrogate, or an id becomes 2**32 bytes or longer.
        """
        cdef string_view before = _named_utf8("prefix", prefix)
        cdef string_view after = _named_utf8("suffix", suffix)
        cdef size_t count = self._column.count
        cdef size_t more = before.size() + after.size()
        _check_length(longest(self._column) + more)
        cdef bytes text = _room(total_length(self._column) + count * more)
        cdef IdColumn column = self._derived(text, count)
        cdef char* out = PyBytes_AS_STRING(text)
        with nogil:
            affix(self._column, before, after, out, column._column)
        return column

    def to_json(self, order=None):
        """Return ids as a JSON array of strings in UTF-8.

        Its bytes are those of `orjson.dumps` of the same list: no blanks, and escapes only where
        JSON asks for them.

        Parameters
        ----------
        order
            int64[k], which ids, in the order wanted; all of them by default.

        Raises
        ------
        TypeError, ValueError
            When the order isn't an int64[k].
        IndexError
            When an index in it isn't in [0, n).
        """
        return to_json((self,), order)

    def to_tensor(self, order=None):
        """Return ids as a BYTES tensor, as `from_tensor` reads it.

        Parameters
        ----------
        order
            int64[k], which ids, in the order wanted; all of them by default.

        Raises
        ------
        TypeError, ValueError
            When the order isn't an int64[k].
        IndexError
            When an index in it isn't in [0, n).
        """
        cdef cnp.ndarray array
        cdef const int64_t* chosen = NULL
        cdef size_t count = self._column.count
        cdef size_t size
        if order is not None:
            array = _indices("order", order, count)
            chosen = <const int64_t*> cnp.PyArray_DATA(array)
            count = cnp.PyArray_SIZE(array)
        with nogil:
            size = tensor_size(self._column, chosen, count)
        cdef bytes text = _room(size)
        cdef char* out = PyBytes_AS_STRING(text)
        with nogil:
            write_tensor(self._column, chosen, count, out)
        return text

    def to_resp(self, bytes prefix not None, bytes head not None=b""):
        """Return prefix + id, for every id, as bulk strings of the Redis protocol.

        Parameters
        ----------
        prefix
            bytes that every key starts with.
        head
            bytes that stand before every bulk string, such as the start of a command.

        Returns
        -------
        bytes
            `head + b"$%d\\r\\n%b\\r\\n" % (len(key), key)` of every id's key, one after the other.

        Raises
        ------
        TypeError
            When an argument isn't bytes.
        """
        cdef string_view before = _view(head)
        cdef string_view start = _view(prefix)
        cdef size_t size
        with nogil:
            size = resp_size(self._column, before, start)
        cdef bytes text = _room(size)
        cdef char* out = PyBytes_AS_STRING(text)
        with nogil:
            write_resp(self._column, before, start, out)
        return text

    def to_mget(self, bytes prefix not None, Py_ssize_t most):
        """Return commands of the Redis protocol that read the keys prefix + id.

        Parameters
        ----------
        prefix
            bytes that every key starts with.
        most
            Keys in each command but the last, >= 1.

        Returns
        -------
        bytes
            `*N MGET key...` of so many keys, one after the other.

        Raises
        ------
        TypeError
            When the prefix isn't bytes.
        ValueError
            When `most` is below 1.
        """
        if most < 1:
            raise ValueError(f"most is {most}, must be >= 1")
        cdef string_view start = _view(prefix)
        cdef bytes text = _room(mget_size(self._column, start, most))
        cdef char* out = PyBytes_AS_STRING(text)
        with nogil:
            write_mget(self._column, start, most, out)
        return text

    def key_slots(self, bytes prefix not None):
        """Return the hash slot of prefix + id in a Redis cluster, for every id.

        Parameters
        ----------
        prefix
            bytes that every key starts with.

        Returns
        -------
        uint16[n]
            CRC-16/XMODEM modulo 16384 of the key, or of what stands in its first pair of braces
            unless that is nothing, as the Redis Cluster specification has it.

        Raises
        ------
        TypeError
            When the prefix isn't bytes.
        """
        cdef cnp.npy_intp count = self._column.count
        cdef cnp.ndarray slots = cnp.PyArray_EMPTY(1, &count, cnp.NPY_UINT16, 0)
        cdef uint16_t* out = <uint16_t*> cnp.PyArray_DATA(slots)
        cdef string_view start = _view(prefix)
        with nogil:
            key_slots(self._column, start, out)
        return slots


cdef IdColumn _column(bytes text, size_t count):
    """A column over `text` whose table is still to be filled in."""
    cdef IdColumn column = IdColumn.__new__(IdColumn)
    column._bytes = text
    column._table = _room(count * ENTRY)
    column._column = Column(PyBytes_AS_STRING(text), PyBytes_AS_STRING(column._table), count)
    return column


cdef _check_length(size_t longest):
    if longest > MAX_LENGTH:
        raise ValueError(f"an id has {longest} bytes, must have at most {MAX_LENGTH}")


cdef str _flaw(Verdict verdict):
    element, length, left = verdict.element, verdict.length, verdict.left
    if verdict.flaw == Flaw.kNoLength:
        return f"element {element} has no length: {left} bytes are left, must be {LENGTH_SIZE}"
    if verdict.flaw == Flaw.kTooLong:
        return f"element {element} has a length of {length} bytes, but {left} are left"
    if verdict.flaw == Flaw.kIllFormed:
        return f"element {element} is not UTF-8"
    return f"{left} bytes are left over after {element} elements"


cdef IdColumn _packed(Ids& ids):
    """A column of copies of the ids, which are well-formed UTF-8."""
    _check_length(longest(ids))
    cdef bytes text = _room(total_length(ids))
    cdef IdColumn column = _column(text, ids.size())
    cdef char* out = PyBytes_AS_STRING(text)
    with nogil:
        move_to(out, ids)
        column._column.plain = all_plain(ids)
        index(ids, column._column)
    return column


cdef IdColumn _gathered(string_view text, cnp.ndarray offsets, cnp.ndarray indices):
    """A column of copies of the ids between the offsets; each index is one of an id."""
    cdef const uint64_t* ends = <const uint64_t*> cnp.PyArray_DATA(offsets)
    cdef const int64_t* order = <const int64_t*> cnp.PyArray_DATA(indices)
    cdef size_t count = cnp.PyArray_SIZE(indices)
    cdef size_t wrong
    cdef Ids texts
    texts.reserve(count)
    with nogil:
        wrong = find(text, ends, order, count, texts)
    if wrong != count:
        i = order[wrong]
        raise ValueError(
            f"offsets[{i}] and offsets[{i + 1}] are {ends[i]} and {ends[i + 1]}, must ascend in "
            f"[0, {text.size()}]"
        )
    with nogil:
        wrong = first_ill_formed(texts)
    if wrong != count:
        raise ValueError(f"the id at indices[{wrong}], {order[wrong]}, is not UTF-8")
    return _packed(texts)


def split(bytes body not None, str field not None):
    """Part a JSON object into the ids of one of its fields and the rest.

    Parameters
    ----------
    body
        The object's text.
    field
        The name of the field that holds the ids, an array of strings.

    Returns
    -------
    tuple of IdColumn and bytes, or None
        The ids, as a view of the body, and the envelope: the body with the array's text replaced by
        `[]`. The body is JSON if and only if the envelope is, which is left to a JSON parser.
        None when the body isn't an object that has `field` exactly once as an array of strings
        without escapes, or has an escape in one of its keys: a JSON parser has to read it all then.

    Raises
    ------
    TypeError
        When the body isn't bytes or the field isn't a str.
    ValueError
        When the field holds a lone surrogate.
    """
    cdef string_view text = _view(body)
    cdef string_view name = _named_utf8("field", field)
    cdef Found found
    cdef bint there
    with nogil:
        there = find_strings(text, name, found)
    if not there:
        return None
    cdef IdColumn column = _column(body, found.ids.size())
    with nogil:
        index(found.ids, column._column)
    return column, _envelope(text, found.begin, found.end)


def split_tensor(bytes body not None, size_t start, str name not None):
    """Part a request of the Open Inference Protocol into the ids of its input and the rest.

    Parameters
    ----------
    body
        A JSON object, and behind it a binary tensor.
    start
        Where in the body the tensor starts.
    name
        Of the tensor.

    Returns
    -------
    tuple of IdColumn and bytes, or None
        The ids, as a view of the body, and the envelope: the object with the text of its inputs
        replaced by `[]`. The object is JSON if and only if the envelope is, which is left to a JSON
        parser. None when the object doesn't declare what follows it as its only input, of BYTES and
        of this name, or has an escape in one of its keys, or the tensor is malformed or empty.

    Raises
    ------
    TypeError
        When the body isn't bytes or the name isn't a str.
    ValueError
        When the start is beyond the body, or the name holds a lone surrogate.
    """
    cdef string_view text = _view(body)
    if start > text.size():
        raise ValueError(f"start is {start}, must be in [0, {text.size()}]")
    cdef string_view head = string_view(text.data(), start)
    cdef string_view tensor = string_view(text.data() + start, text.size() - start)
    cdef Declared found
    if not find_tensor(head, _named_utf8("name", name), found):
        return None
    if found.size != tensor.size() or found.count > tensor.size() // LENGTH_SIZE:
        return None
    cdef IdColumn column = _column(body, found.count)
    cdef Verdict verdict
    with nogil:
        verdict = index_tensor(tensor, column._column)
    if verdict.flaw != Flaw.kNone:
        return None
    return column, _envelope(head, found.begin, found.end)


cdef bytes _envelope(string_view body, const char* begin, const char* end):
    """The body with what lies between replaced by `[]`."""
    cdef size_t head = begin - body.data()
    cdef size_t tail = body.data() + body.size() - end
    cdef bytes envelope = _room(head + 2 + tail)
    cdef char* out = PyBytes_AS_STRING(envelope)
    memcpy(out, body.data(), head)
    memcpy(out + head, b"[]", 2)
    memcpy(out + head + 2, end, tail)
    return envelope


def to_json(tuple parts not None, order=None):
    """Return JSON that is made of parts, one after the other.

    Parameters
    ----------
    parts
        bytes, which stand there as they are, and columns and float32[n] or float64[n], which become
        arrays as by `IdColumn.to_json` and `numbers_to_json`.
    order
        int64[k], which ids and which numbers, in the order wanted; all of them by default.

    Raises
    ------
    TypeError, ValueError
        When a part is none of these, or the order isn't an int64[k].
    IndexError
        When an index in the order isn't in [0, n).
    """
    cdef const int64_t* chosen = NULL
    cdef size_t count = 0
    cdef size_t room = 0
    cdef tuple ready = _ready(parts)
    if order is not None:
        order = _indices("order", order, _least_length(ready))
        chosen = <const int64_t*> cnp.PyArray_DATA(order)
        count = cnp.PyArray_SIZE(order)
    for part in ready:
        room += _room_of(part, chosen, count)
    cdef PyObject* text = new_bytes(NULL, room)
    cdef char* out = PyBytes_AS_STRING(<object> text)
    cdef char* end = out
    for part in ready:
        end = _write(part, chosen, count, end)
    if <size_t> (end - out) != room:  # numbers have room for more digits than most have
        resize_bytes(&text, end - out)
    made = <bytes> text
    Py_DECREF(made)
    return made


cdef tuple _ready(tuple parts):
    """The parts, each of its type, arrays contiguous."""
    cdef bint ready = True
    for part in parts:
        if not isinstance(part, (bytes, IdColumn)):
            ready = ready and _floats("a part", part) is part
    if ready:
        return parts
    return tuple([_floats("a part", p) if cnp.PyArray_Check(p) else p for p in parts])


cdef size_t _least_length(tuple parts):
    """Ids or numbers of the part with the fewest."""
    cdef size_t least = <size_t> -1
    for part in parts:
        if isinstance(part, IdColumn):
            least = min(least, (<IdColumn> part)._column.count)
        elif not isinstance(part, bytes):
            least = min(least, <size_t> cnp.PyArray_SIZE(part))
    return least


cdef size_t _room_of(object part, const int64_t* order, size_t count):
    """Bytes that a part takes at most."""
    if isinstance(part, bytes):
        return PyBytes_GET_SIZE(part)
    if isinstance(part, IdColumn):
        look((<IdColumn> part)._column)
        if order is NULL:
            count = (<IdColumn> part)._column.count
        return json_size((<IdColumn> part)._column, order, count)
    return numbers_room(cnp.PyArray_SIZE(part) if order is NULL else count)


cdef char* _write(object part, const int64_t* order, size_t count, char* out):
    """Write a part and return the end."""
    cdef Py_ssize_t size
    cdef const void* numbers
    cdef bint is_single
    if isinstance(part, bytes):
        size = PyBytes_GET_SIZE(part)
        memcpy(out, PyBytes_AS_STRING(part), size)
        return out + size
    if isinstance(part, IdColumn):
        return _write_ids((<IdColumn> part)._column, order, count, out)
    if order is NULL:
        count = cnp.PyArray_SIZE(part)
    numbers = cnp.PyArray_DATA(part)
    is_single = cnp.PyArray_TYPE(part) == cnp.NPY_FLOAT32
    with nogil:
        if is_single:
            out = write_numbers(<const float*> numbers, order, count, out)
        else:
            out = write_numbers(<const double*> numbers, order, count, out)
    return out


cdef char* _write_ids(const Column& column, const int64_t* order, size_t count, char* out):
    with nogil:
        out = write_json(column, order, column.count if order is NULL else count, out)
    return out


cdef cnp.ndarray _floats(str name, object values):
    """The numbers as a contiguous array."""
    if not cnp.PyArray_Check(values):
        raise TypeError(f"{name} is a {type(values).__name__}, must be an array of floats")
    cdef int kind = cnp.PyArray_TYPE(values)
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        raise TypeError(f"{name} is an array of {values.dtype}, must be of float32 or float64")
    if cnp.PyArray_NDIM(values) != 1:
        raise ValueError(f"{name} has {values.ndim} dimensions, must have 1")
    if cnp.PyArray_ISCARRAY_RO(values):
        return values
    return cnp.PyArray_FROM_OTF(values, kind, cnp.NPY_ARRAY_CARRAY_RO)


def numbers_to_json(values, order=None):
    """Return numbers as a JSON array, each with the fewest digits that give it back.

    Parameters
    ----------
    values
        float32[n] or float64[n]; what is not finite becomes null. A float32 is given back by a
        reader that rounds what it read to float32.
    order
        int64[k], which values, in the order wanted; all of them by default.

    Raises
    ------
    TypeError, ValueError
        When the values or the order aren't arrays of their dtype and of one dimension.
    IndexError
        When an index in the order isn't in [0, n).
    """
    return to_json((_floats("values", values),), order)


def uuid7():
    """Return a new UUID of version 7 (RFC 9562), ordered to 0.25 us by its method 3.

    48 bits of milliseconds, 12 bits of the millisecond's fraction, 62 random bits. The ids differ
    and are no secret: the system seeds them once in each thread.
    """
    cdef str text = PyUnicode_New(UUID_SIZE, 127)
    write_uuid7(<char*> PyUnicode_DATA(text))
    return text


def hash_id(bytes text not None):
    """Hash one id's bytes as a column does.

    Both words come from SipHash-1-3 with 128 bits of output (Aumasson & Bernstein, 2012) under the
    fixed key `b"bandit-serve ids"`, on every platform alike. `HASH_VERSION` changes when they do.

    Parameters
    ----------
    text
        The id in UTF-8, or any bytes.

    Returns
    -------
    tuple of int and int
        The low half (`hashes`) and the high half (`fingerprints`), each in [0, 2**64).

    Raises
    ------
    TypeError
        When the text isn't bytes.
    """
    cdef string_view view = _view(text)
    cdef Digest digest = hash_bytes(view.data(), view.size())
    return digest.low, digest.high


LEVELS = ("plain", "avx2", "avx512")


def levels():
    """Return the names of the instruction sets that this processor runs, slowest first."""
    return LEVELS[: <int> highest_level() + 1]


def set_simd_level(name):
    """Hash and write numbers by this instruction set; return the name of the one until now."""
    before = LEVELS[<int> level()]
    set_level(<Level> <int> levels().index(name))
    return before
