cpdef object require_media(dict headers, tuple known)
