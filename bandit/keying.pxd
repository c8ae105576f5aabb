cpdef object decision_key(str model, str decision_id)
