cpdef object find_model(object models, dict names)
