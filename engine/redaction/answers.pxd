from engine.redaction.profile cimport Profile


cdef class AnswerRedaction:
    cdef readonly bytes body
    cdef readonly dict findings
    cdef readonly str blocked


cdef class Walker:
    cdef readonly Profile profile
    cdef readonly dict findings
    cdef public str blocked
    cdef dict _known
    cdef readonly bint has_logprobs

    cpdef str text(self, str text, Profile profile=*)
    cpdef str name(self, str name)
    cpdef count(self, dict findings)
    cpdef str json_text(self, str text)
    cpdef tree(self, object value, object key)
    cpdef logprobs(self, object value)


cpdef AnswerRedaction redact_answer(Profile profile, bytes body, bytes media, tuple pointers=*)
cpdef tuple searched_texts(bytes body)
