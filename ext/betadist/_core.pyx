# cython: boundscheck=False, wraparound=False
"""Checks arguments, allocates results and lets the C++ kernel draw, many without the GIL."""

import os

import numpy as np

cimport cython
cimport numpy as cnp
from cpython.long cimport PyLong_AsLongAndOverflow
from cpython.number cimport PyNumber_Index
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libcpp cimport bool as cpp_bool
from libcpp.optional cimport optional

from betadist cimport sampler
from betadist.sampler cimport Columns, Filter, Kernel, Piece, Shapes, Stream

cnp.import_array()

STREAM_VERSION = sampler.STREAM_VERSION
MAX_ATTEMPTS = sampler.MAX_ATTEMPTS

cdef int MOST_THREADS = 1 << 16
cdef size_t MOST_RANKED = (<size_t>1 << 32) - 1
cdef size_t FEW = 4096  # 10 us, in scalar code 60; to lend the GIL meanwhile takes 0.1

ctypedef fused real:
    float
    double

cdef const Kernel* chosen = NULL


@cython.freelist(8)
@cython.no_gc
cdef class Draw:
    """Checked arguments of one call: contiguous columns, key, threads."""

    cdef cnp.ndarray alpha, beta, lanes
    cdef Stream stream
    cdef int threads
    cdef size_t n
    cdef int typenum

    cdef check_alike(self):
        if cnp.PyArray_TYPE(self.beta) != self.typenum:
            raise TypeError(f"beta is {self.beta.dtype}, must be {self.alpha.dtype} as alpha is")
        if <size_t>cnp.PyArray_DIM(self.beta, 0) != self.n:
            raise ValueError(f"beta has {len(self.beta)} elements, alpha has {self.n}")

    cdef separate(self, cnp.ndarray out):
        """Copies the columns that share memory with the result."""
        self.alpha = apart(self.alpha, out)
        self.beta = apart(self.beta, out)
        if self.lanes is not None:
            self.lanes = apart(self.lanes, out)


cdef Draw checked(alpha, beta, key, lanes, threads):
    cdef Draw draw = Draw.__new__(Draw)
    # The numbers first: an __index__ of the caller's may do anything to the arrays.
    draw.stream.key = checked_word("key", key)
    draw.stream.max_attempts = sampler.MAX_ATTEMPTS
    draw.threads = checked_threads(threads)
    draw.alpha = column("alpha", alpha)
    draw.beta = column("beta", beta)
    draw.n = <size_t>cnp.PyArray_DIM(draw.alpha, 0)
    draw.typenum = cnp.PyArray_TYPE(draw.alpha)
    draw.check_alike()
    if lanes is not None:
        draw.lanes = checked_words("lanes", lanes, draw.n)
    return draw


cdef check_shapes(Draw draw):
    check_column("alpha", draw.alpha)
    check_column("beta", draw.beta)


cdef refuse(Draw draw):
    check_shapes(draw)
    raise RuntimeError("alpha or beta changed while they were drawn from")


cdef cnp.ndarray column(str name, values):
    if not cnp.PyArray_Check(values):
        raise TypeError(f"{name} is {type(values).__name__}, must be a numpy array")
    cdef int typenum = cnp.PyArray_TYPE(values)
    if typenum != cnp.NPY_FLOAT32 and typenum != cnp.NPY_FLOAT64 or not is_native(values):
        raise TypeError(f"{name} is {values.dtype}, must be float32 or float64")
    return contiguous(name, values, typenum)


cdef cnp.ndarray contiguous(str name, values, int typenum):
    if cnp.PyArray_NDIM(values) != 1:
        raise ValueError(f"{name} has {values.ndim} dimensions, must have 1")
    if cnp.PyArray_ISCARRAY_RO(values) and cnp.PyArray_TYPE(values) == typenum:
        return values
    return cnp.PyArray_FROM_OTF(values, typenum, cnp.NPY_ARRAY_IN_ARRAY)


cdef bint is_native(values):
    return not cnp.PyArray_ISBYTESWAPPED(values)


cdef check_column(str name, cnp.ndarray values):
    cdef size_t n = <size_t>cnp.PyArray_DIM(values, 0), at
    if cnp.PyArray_TYPE(values) == cnp.NPY_FLOAT32:
        at = sampler.first_unfit(chosen[0], <const float*>cnp.PyArray_DATA(values), n)
    else:
        at = sampler.first_unfit(chosen[0], <const double*>cnp.PyArray_DATA(values), n)
    if at < n:
        bound = "finite" if values[at] > 0 else "> 0"
        raise ValueError(f"{name}[{at}] is {values[at]!s}, must be {bound}")


cdef cnp.ndarray checked_words(str name, words, size_t n):
    if not cnp.PyArray_Check(words):
        raise TypeError(f"{name} is {type(words).__name__}, must be a numpy array")
    cdef int typenum = cnp.PyArray_TYPE(words)
    if typenum != cnp.NPY_UINT64 and words.dtype != np.uint64 or not is_native(words):
        raise TypeError(f"{name} is {words.dtype}, must be uint64")
    cdef cnp.ndarray checked = contiguous(name, words, cnp.NPY_UINT64)
    if <size_t>cnp.PyArray_DIM(checked, 0) != n:
        raise ValueError(f"{name} has {len(checked)} elements, alpha has {n}")
    return checked


cdef cnp.ndarray checked_positions(str name, positions, size_t n):
    if not cnp.PyArray_Check(positions):
        raise TypeError(f"{name} is {type(positions).__name__}, must be a numpy array")
    cdef int typenum = cnp.PyArray_TYPE(positions)
    if typenum != cnp.NPY_INT64 and positions.dtype != np.int64 or not is_native(positions):
        raise TypeError(f"{name} is {positions.dtype}, must be int64")
    cdef cnp.ndarray checked = contiguous(name, positions, cnp.NPY_INT64)
    cdef const int64_t* data = <const int64_t*>cnp.PyArray_DATA(checked)
    cdef size_t count = <size_t>cnp.PyArray_DIM(checked, 0)
    cdef size_t at = sampler.first_misplaced(data, count, n)
    if at == count:
        return checked
    if 0 <= data[at] < <int64_t>n:
        raise ValueError(f"{name}[{at}] is {data[at]}, must be above {name}[{at - 1}]")
    raise ValueError(f"{name}[{at}] is {data[at]}, must be in [0, {n})")


cdef uint64_t checked_word(str name, word) except? 0:
    number = index_of(name, word)
    try:
        return number
    except OverflowError:
        raise ValueError(f"{name} is {number}, must be in [0, 2**64)") from None


cdef int checked_threads(threads) except -1:
    cdef int overflow = 0
    number = index_of("threads", threads)
    cdef long most = PyLong_AsLongAndOverflow(number, &overflow)
    if overflow < 0 or overflow == 0 and most < 1:
        raise ValueError(f"threads is {number}, must be >= 1")
    return MOST_THREADS if overflow > 0 or most > MOST_THREADS else <int>most


cdef index_of(str name, value):
    if type(value) is int:
        return value
    try:
        return PyNumber_Index(value)
    except TypeError:
        raise TypeError(f"{name} is {type(value).__name__}, must be an int") from None


cdef cnp.ndarray checked_out(out, Draw draw):
    if not cnp.PyArray_Check(out):
        raise TypeError(f"out is {type(out).__name__}, must be a numpy array")
    if cnp.PyArray_TYPE(out) != draw.typenum or not is_native(out):
        raise TypeError(f"out is {out.dtype}, must be {draw.alpha.dtype} as alpha is")
    if cnp.PyArray_NDIM(out) != 1 or <size_t>cnp.PyArray_DIM(out, 0) != draw.n:
        raise ValueError(f"out has the shape {out.shape}, must have {(draw.n,)}")
    if not cnp.PyArray_ISCARRAY_RO(out):
        raise ValueError("out is not contiguous and aligned, must be")
    if not cnp.PyArray_ISWRITEABLE(out):
        raise ValueError("out is read-only, must be writable")
    return out


cdef cnp.ndarray apart(cnp.ndarray values, cnp.ndarray out):
    cdef size_t a = <size_t>cnp.PyArray_DATA(values), b = <size_t>cnp.PyArray_DATA(out)
    if a < b + <size_t>cnp.PyArray_NBYTES(out) and b < a + <size_t>cnp.PyArray_NBYTES(values):
        return cnp.PyArray_NewCopy(values, cnp.NPY_CORDER)
    return values


cdef cnp.ndarray empty(size_t n, int typenum):
    cdef cnp.npy_intp size = <cnp.npy_intp>n
    return cnp.PyArray_SimpleNew(1, &size, typenum)


cdef Columns[real] columns_of(Draw draw, real* like):
    cdef Columns[real] columns
    columns.alpha = <const real*>cnp.PyArray_DATA(draw.alpha)
    columns.beta = <const real*>cnp.PyArray_DATA(draw.beta)
    columns.lanes = NULL
    if draw.lanes is not None:
        columns.lanes = <const uint64_t*>cnp.PyArray_DATA(draw.lanes)
    return columns


cdef bint run(Draw draw, const Kernel* kernel, real* out) except -1:
    cdef Columns[real] columns = columns_of(draw, out)
    if draw.n < FEW:
        return sampler.sample(kernel[0], columns, draw.stream, draw.n, out, draw.threads)
    with nogil:
        return sampler.sample(kernel[0], columns, draw.stream, draw.n, out, draw.threads)


cdef cnp.ndarray run_to(Draw draw, const Kernel* kernel, cnp.ndarray out):
    cdef bint drawn
    if draw.typenum == cnp.NPY_FLOAT32:
        drawn = run(draw, kernel, <float*>cnp.PyArray_DATA(out))
    else:
        drawn = run(draw, kernel, <double*>cnp.PyArray_DATA(out))
    if not drawn:
        refuse(draw)
    return out


@cython.no_gc
cdef class Chosen:
    """Checked arguments that say which arms take part, and what keeps their arrays alive."""

    cdef cnp.ndarray tags, without
    cdef Filter filter


cdef Chosen tagged(include_tags, exclude_tags):
    cdef Chosen arms = Chosen.__new__(Chosen)
    arms.filter.asked.wanted = checked_word("include_tags", include_tags)
    arms.filter.asked.unwanted = checked_word("exclude_tags", exclude_tags)
    return arms


cdef check_chosen(Chosen arms, size_t n, tags, without):
    if tags is not None:
        arms.tags = checked_words("tags", tags, n)
        arms.filter.tags = <const uint64_t*>cnp.PyArray_DATA(arms.tags)
    elif arms.filter.asked.wanted != 0:
        raise ValueError(f"include_tags is {arms.filter.asked.wanted}, must be 0 without tags")
    elif arms.filter.asked.unwanted != 0:
        raise ValueError(f"exclude_tags is {arms.filter.asked.unwanted}, must be 0 without tags")
    if without is not None:
        arms.without = checked_positions("without", without, n)
        arms.filter.without = <const int64_t*>cnp.PyArray_DATA(arms.without)
        arms.filter.without_count = <size_t>cnp.PyArray_DIM(arms.without, 0)


cdef Py_ssize_t select(Draw draw, Chosen arms, size_t k, int64_t* indices,
                       real* values) except -1:
    cdef Columns[real] columns = columns_of(draw, values)
    cdef optional[size_t] found
    with nogil:
        found = sampler.sample_top_k(chosen[0], columns, arms.filter, draw.stream, draw.n, k,
                                     indices, values, draw.threads)
    if not found.has_value():
        refuse(draw)
    return found.value()


def sample(alpha, beta, key, lanes=None, *, out=None, threads=1):
    """Draw from Beta(alpha[i], beta[i]) for every i.

    Element i of the result is a function of (key, lanes[i], alpha[i], beta[i], dtype) alone: not of
    the other elements, their order or number, the threads or the processor. Elements with equal
    lanes and shapes get equal draws; a fresh draw of the same lane takes another key.

    Parameters
    ----------
    alpha, beta : ndarray of float32 or float64, shape (n,)
        Shapes of the distributions, finite and > 0. float32 suits sums of shapes up to about 1e6;
        above 1e7 its rounding begins to order arms whose means are equal.
    key : int
        Names the stream, in [0, 2**64).
    lanes : ndarray of uint64, shape (n,), optional
        Name each element within the stream; 0..n-1 if absent.
    out : ndarray, shape (n,), optional
        Takes the result: of alpha's dtype, contiguous and writable. It may be alpha or beta.
    threads : int
        Most threads to use, the caller's among them; never more than the affinity mask and the
        CPU quota of the container allow when the first call asks, nor one for fewer than 16384
        elements. They are started when first needed and kept.

    Returns
    -------
    ndarray of alpha's dtype, shape (n,)
        Draws in [0, 1], never NaN; `out` if given.

    Raises
    ------
    TypeError
        For an argument of the wrong type or dtype.
    ValueError
        For a wrong shape, a value out of range, an `out` that can't be written. Nothing is drawn.

    Notes
    -----
    Two gammas by Marsaglia and Tsang (2000), doi 10.1145/358407.358414, from one block of
    Philox4x32-10 (Salmon et al. 2011, doi 10.1145/2063384.2063405), accepted jointly; shapes < 1
    are raised by 1 and boosted in log space. `STREAM_VERSION` changes when seeded draws do.
    """
    cdef Draw draw = checked(alpha, beta, key, lanes, threads)
    cdef cnp.ndarray to
    if out is None:
        to = empty(draw.n, draw.typenum)
    else:
        to = checked_out(out, draw)
        check_shapes(draw)  # before any of `out` is written
        draw.separate(to)
    return run_to(draw, chosen, to)


def sample_top_k(alpha, beta, key, k, lanes=None, *, tags=None, include_tags=0, exclude_tags=0,
                 without=None, threads=1):
    """Draw as `sample` does from the arms that take part and keep the k largest.

    The others are not drawn from: leaving arms out changes no other arm's draw and costs less than
    drawing.

    Parameters
    ----------
    alpha, beta, key, lanes, threads
        As for `sample`.
    k : int
        How many to keep, >= 0; all that take part if it is larger.
    tags : ndarray of uint64, shape (n,), optional
        The tags that each arm carries, a bit each.
    include_tags : int
        Tags in [0, 2**64): only arms that carry at least one of them take part; 0 asks for none.
    exclude_tags : int
        Tags in [0, 2**64): only arms that carry none of them take part.
    without : ndarray of int64, shape (m,), optional
        Positions of arms that take no part, in [0, n), ascending, each once.

    Returns
    -------
    indices : ndarray of int64, shape (min(k, arms that take part),)
        Positions of the largest draws, best first. Equal draws come in the order of their lanes,
        then of their positions.
    values : ndarray of alpha's dtype, as many
        Their draws.

    Raises
    ------
    TypeError, ValueError
        As for `sample`, but that shapes of arms that take no part are not looked at; and for k, the
        filters, and tags that are asked for where there are none.
    """
    wanted = index_of("k", k)
    if wanted < 0:
        raise ValueError(f"k is {wanted}, must be >= 0")
    cdef Chosen arms = tagged(include_tags, exclude_tags)
    cdef Draw draw = checked(alpha, beta, key, lanes, threads)
    check_chosen(arms, draw.n, tags, without)
    # At least one, since shapes are checked as they are drawn from.
    cdef size_t room = max(min(wanted, draw.n), 1), found
    cdef cnp.ndarray indices = empty(room, cnp.NPY_INT64), values = empty(room, draw.typenum)
    cdef int64_t* best = <int64_t*>cnp.PyArray_DATA(indices)
    if draw.typenum == cnp.NPY_FLOAT32:
        found = select(draw, arms, room, best, <float*>cnp.PyArray_DATA(values))
    else:
        found = select(draw, arms, room, best, <double*>cnp.PyArray_DATA(values))
    cdef size_t kept = min(wanted, found)
    return (indices, values) if kept == room else (indices[:kept], values[:kept])


cdef size_t order_by(real* like, cnp.ndarray values, cnp.ndarray lanes,
                     cnp.ndarray order) except? 0:
    cdef const real* scores = <const real*>cnp.PyArray_DATA(values)
    cdef const uint64_t* places = <const uint64_t*>cnp.PyArray_DATA(lanes)
    cdef size_t n = <size_t>cnp.PyArray_DIM(values, 0), k = <size_t>cnp.PyArray_DIM(order, 0)
    cdef int64_t* best = <int64_t*>cnp.PyArray_DATA(order)
    if n < FEW:
        return sampler.rank(scores, places, n, k, best)
    with nogil:
        return sampler.rank(scores, places, n, k, best)


def rank(values, lanes, k=None):
    """Return the positions of the largest values, best first.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (n,)
        Scores, finite and >= 0; n < 2**32.
    lanes : ndarray of uint64, shape (n,)
        Order what is equal; where they are equal too, the position does.
    k : int, optional
        How many, >= 0; all n if it is larger or absent.

    Returns
    -------
    ndarray of int64, shape (min(k, n),)

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong type, dtype, shape or range.
    """
    cdef cnp.ndarray scores = column("values", values)
    cdef size_t n = <size_t>cnp.PyArray_DIM(scores, 0), ranked
    cdef cnp.ndarray places = checked_words("lanes", lanes, n)
    wanted = n if k is None else index_of("k", k)
    if wanted < 0:
        raise ValueError(f"k is {wanted}, must be >= 0")
    if n > MOST_RANKED:
        raise ValueError(f"values has {n} elements, must have at most {MOST_RANKED}")
    cdef cnp.ndarray order = empty(min(wanted, n), cnp.NPY_INT64)
    if cnp.PyArray_TYPE(scores) == cnp.NPY_FLOAT32:
        ranked = order_by(<float*>NULL, scores, places, order)
    else:
        ranked = order_by(<double*>NULL, scores, places, order)
    if ranked < <size_t>cnp.PyArray_DIM(order, 0):
        raise ValueError("values holds a NaN or a number < 0")
    return order


cdef part_to(real* like, cnp.ndarray rows, cnp.ndarray known, Shapes prior, cnp.ndarray alpha,
             cnp.ndarray beta):
    cdef const Shapes* shapes = <const Shapes*>cnp.PyArray_DATA(rows)
    cdef const cpp_bool* mask = <const cpp_bool*>cnp.PyArray_DATA(known)
    cdef size_t n = <size_t>cnp.PyArray_DIM(alpha, 0)
    chosen.part(shapes, mask, prior, n, <real*>cnp.PyArray_DATA(alpha),
                <real*>cnp.PyArray_DATA(beta))


def part(rows, known, double alpha, double beta, dtype):
    """Part posteriors into columns to draw from, with a prior where none is known.

    Shapes outside the normal range of the columns' dtype are moved to its edge.

    Parameters
    ----------
    rows : ndarray of float64, shape (n, 2)
        alpha and beta of each element, finite and > 0 where `known`.
    known : ndarray of bool, shape (n,)
        Where it is False, the prior stands in.
    alpha, beta : float
        The prior.
    dtype : str
        "float32" or "float64".

    Returns
    -------
    alpha, beta : ndarray of the dtype, shape (n,)

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong type, dtype or shape.
    """
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype is {dtype!r}, must be 'float32' or 'float64'")
    cdef cnp.ndarray pairs = plain_array("rows", rows, cnp.NPY_FLOAT64, 2)
    cdef cnp.ndarray mask = plain_array("known", known, cnp.NPY_BOOL, 1)
    cdef size_t n = <size_t>cnp.PyArray_DIM(mask, 0)
    if <size_t>cnp.PyArray_DIM(pairs, 0) != n or cnp.PyArray_DIM(pairs, 1) != 2:
        raise ValueError(f"rows has the shape {rows.shape}, must have {(n, 2)}")
    cdef int typenum = cnp.NPY_FLOAT32 if dtype == "float32" else cnp.NPY_FLOAT64
    cdef cnp.ndarray first = empty(n, typenum), second = empty(n, typenum)
    cdef Shapes prior
    prior.alpha, prior.beta = alpha, beta
    if typenum == cnp.NPY_FLOAT32:
        part_to(<float*>NULL, pairs, mask, prior, first, second)
    else:
        part_to(<double*>NULL, pairs, mask, prior, first, second)
    return first, second


cdef cnp.ndarray plain_array(str name, values, int typenum, int dimensions):
    if not cnp.PyArray_Check(values):
        raise TypeError(f"{name} is {type(values).__name__}, must be a numpy array")
    if cnp.PyArray_TYPE(values) != typenum:
        wanted = cnp.PyArray_DescrFromType(typenum)
        raise TypeError(f"{name} is {values.dtype}, must be {wanted}")
    if cnp.PyArray_NDIM(values) != dimensions:
        raise ValueError(f"{name} has {values.ndim} dimensions, must have {dimensions}")
    if cnp.PyArray_ISCARRAY_RO(values):
        return values
    return cnp.PyArray_FROM_OTF(values, typenum, cnp.NPY_ARRAY_IN_ARRAY)


def simd_level():
    """Return the instruction set that draws: "avx512", "avx2", "neon" or "scalar".

    The environment variable BETADIST_SIMD forces one when the package is imported.
    """
    return chosen.level.decode()


def kernels():
    """Return the names of the kernels that this processor runs, slowest first."""
    names = []
    while sampler.kernel(len(names)) != NULL:
        names.append(sampler.kernel(len(names)).level.decode())
    return names


def sample_with(kernel, alpha, beta, key, lanes=None, *, max_attempts=MAX_ATTEMPTS):
    """Draw as `sample` does with the named kernel and bound on attempts."""
    cdef Draw draw = checked(alpha, beta, key, lanes, 1)
    cdef const Kernel* named = sampler.kernel(kernels().index(kernel))
    draw.stream.max_attempts = max_attempts
    return run_to(draw, named, empty(draw.n, draw.typenum))


def cpu_quota(groups="/sys/fs/cgroup", own="/proc/self/cgroup"):
    """Return how many threads can run at once.

    That is the CPUs of the affinity mask or, where it is smaller, the quota of the control groups
    (version 2 and 1, from the root to the process's own) rounded up; never less than 1.

    Parameters
    ----------
    groups, own : path
        Where the control groups are mounted, and the file that names the process's own.
    """
    return sampler.cpu_quota(os.fsencode(groups), os.fsencode(own))


def limit_threads(most):
    """Let calls use up to `most` threads, whatever the quota says; return the limit until now."""
    cdef int before = sampler.Pool.shared().limit()
    sampler.Pool.shared().set_limit(checked_threads(most))
    return before


def philox(counter, key):
    """Return the four words of a Philox4x32-10 block: counter of four words, lowest first."""
    cdef uint32_t[4] words
    cdef uint32_t[4] result
    for i in range(4):
        words[i] = counter[i]
    sampler.philox4x32(words, key, result)
    return tuple(result)


PIECES = ("log", "exp", "sine", "cosine", "exponent", "squeeze")


def probe(piece, x, y):
    """Return a piece of the draw path at x and y, elementwise: see probe.hpp."""
    cdef cnp.ndarray first = column("x", x), second = column("y", y)
    cdef size_t n = <size_t>cnp.PyArray_DIM(first, 0)
    cdef cnp.ndarray out = empty(n, cnp.PyArray_TYPE(first))
    cdef Piece number = <Piece><int>PIECES.index(piece)
    if cnp.PyArray_TYPE(first) == cnp.NPY_FLOAT32:
        sampler.probe(number, <const float*>cnp.PyArray_DATA(first),
                      <const float*>cnp.PyArray_DATA(second), n, <float*>cnp.PyArray_DATA(out))
    else:
        sampler.probe(number, <const double*>cnp.PyArray_DATA(first),
                      <const double*>cnp.PyArray_DATA(second), n, <double*>cnp.PyArray_DATA(out))
    return out


cdef choose(forced):
    global chosen
    levels = kernels()
    if forced is not None and forced not in levels:
        raise ImportError(f"BETADIST_SIMD is {forced!r}, must be one of: {', '.join(levels)}")
    chosen = sampler.kernel(len(levels) - 1 if forced is None else levels.index(forced))


choose(os.environ.get("BETADIST_SIMD") or None)
