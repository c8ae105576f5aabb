cimport cython


@cython.locals(
    now="unsigned long long",
    milliseconds="unsigned long long",
    fraction="unsigned long long",
    bits="unsigned long long",
)
cpdef str new_decision_id()
