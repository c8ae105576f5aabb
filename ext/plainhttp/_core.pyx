"""Python's face of plain requests and answers."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.string cimport memcpy
from libcpp cimport bool as cpp_bool
from libcpp.string cimport string
from libcpp.string_view cimport string_view


cdef extern from "head.hpp" namespace "plainhttp" nogil:
    cdef cppclass Field:
        string_view name
        string_view value

    cdef cppclass Head:
        string_view target
        Field fields[64]
        size_t count
        size_t size
        size_t body

    cpp_bool read_head(string_view text, Head& head)
    cpp_bool is_named(string_view name, string_view lower)


cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR

    PySendResult PyIter_Send(object iterator, object value, PyObject** result) except PYGEN_ERROR


cdef extern from "answer.hpp" namespace "plainhttp" nogil:
    void append(string_view text, string& out)
    cpp_bool is_in_line(string_view text)
    void append_number(size_t number, string& out)
    void append_milliseconds(double seconds, string& out)


cdef bytes LENGTH = b"content-length"
cdef size_t TYPICAL_HEAD = 512


cdef string_view _view(bytes text) except *:
    if text is None:
        raise TypeError("None stands where bytes must")
    return string_view(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))


cdef bytes _bytes(string_view text):
    return PyBytes_FromStringAndSize(text.data(), text.size())


def read_request(bytes data not None, tuple kept not None):
    """Read one request, as far as its body is there.

    Parameters
    ----------
    data : bytes
        What a connection sent.
    kept : tuple of bytes
        Names of header fields, in lower case; Host and Content-Length can't be among them.

    Returns
    -------
    request : tuple or None
        The request target (bytes), the values of those fields of `kept` that are there (dict of
        bytes), the body (bytes), and how many bytes it lacks (int). None unless `data` is one
        request, with all of its head, that is plain: by POST, of a known length, without anything
        unusual in its head, and each field of `kept` at most once. What isn't plain may be right
        nevertheless.
    """
    cdef Head head
    cdef size_t i
    if not read_head(_view(data), head):
        return None
    cdef size_t size = PyBytes_GET_SIZE(data)
    if size > head.size + head.body:
        return None
    cdef dict headers = {}
    for i in range(head.count):
        if not _keep(head.fields[i], kept, headers):
            return None
    body = _bytes(string_view(PyBytes_AS_STRING(data) + head.size, size - head.size))
    return _bytes(head.target), headers, body, head.size + head.body - size


cdef bint _keep(Field& field, tuple kept, dict headers) except -1:
    """Return whether the field is none of `kept`, or the first of its name."""
    cdef bytes name
    for name in kept:
        if is_named(field.name, _view(name)):
            if name in headers:
                return False
            headers[name] = _bytes(field.value)
            return True
    return True


def answer(bytes begin not None, list headers not None, bytes body not None, bint alone=False):
    """Put an answer together.

    Parameters
    ----------
    begin : bytes
        What its head begins with: whole lines.
    headers : list of (bytes, bytes)
        Names and values; a Content-Length among them gives way to the body's.
    body : bytes
    alone : bool
        The head is sent alone, as HEAD asks for.

    Returns
    -------
    answer : bytes

    Raises
    ------
    ValueError
        A header has a line break.
    """
    cdef string head
    cdef tuple header
    head.reserve(TYPICAL_HEAD)
    append(_view(begin), head)
    for header in headers:
        if header[0] != LENGTH:
            append(_in_line(header[0]), head)
            head.append(b": ")
            append(_in_line(header[1]), head)
            head.append(b"\r\n")
    head.append(b"content-length: ")
    append_number(PyBytes_GET_SIZE(body), head)
    head.append(b"\r\n\r\n")
    return _joined(head, string_view() if alone else _view(body))


cdef bytes _joined(const string& head, string_view body):
    cdef bytes text = PyBytes_FromStringAndSize(NULL, head.size() + body.size())
    memcpy(PyBytes_AS_STRING(text), head.data(), head.size())
    if not body.empty():
        memcpy(PyBytes_AS_STRING(text) + head.size(), body.data(), body.size())
    return text


def server_timing(list durations not None):
    """Write the value of Server-Timing (W3C).

    Parameters
    ----------
    durations : list of (str, float)
        Names, in ASCII, and seconds, at least 0.

    Returns
    -------
    value : bytes
        In milliseconds, with three decimals.
    """
    cdef string value
    cdef tuple named
    cdef const char* name
    cdef Py_ssize_t size
    for named in durations:
        if not value.empty():
            value.append(b", ")
        name = PyUnicode_AsUTF8AndSize(named[0], &size)
        value.append(name, size).append(b";dur=")
        append_milliseconds(named[1], value)
    return value


cdef string_view _in_line(bytes text) except *:
    if not is_in_line(_view(text)):
        raise ValueError("a header of an answer has a line break")
    return _view(text)


def begin(coroutine):
    """Run a coroutine until it waits or is done.

    A task's first step, without the task. What the coroutine calls before it waits must do without
    a current task, as `asyncio.timeout` can't.

    Returns
    -------
    done : bool
    value : object
        What it returned, or else what it waits for.
    """
    cdef PyObject* result = NULL
    cdef bint done = PyIter_Send(coroutine, None, &result) == PYGEN_RETURN
    value = <object> result
    Py_DECREF(value)
    return done, value
