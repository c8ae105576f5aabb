cdef class PredictRequest:
    cdef public object ids, model, context, decision_id, top_k, order
    cdef public double deadline_s
