cdef class AnswerRedaction:
    cdef readonly bytes body
    cdef readonly dict findings
    cdef readonly str blocked


cpdef AnswerRedaction redact_answer(object profile, bytes body, bytes media, tuple pointers=*)
cpdef tuple searched_texts(bytes body)
