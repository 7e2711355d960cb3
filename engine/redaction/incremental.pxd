from engine.redaction.profile cimport Profile
from engine.redaction.ruleset cimport next_place
from engine.redaction.search cimport Ahead, Search


cdef class Incremental:
    cdef Profile _profile
    cdef Search _search
    cdef Ahead _ahead
    cdef Py_ssize_t _kept
    cdef readonly bytes _text
    cdef readonly Py_ssize_t _base
    cdef readonly Py_ssize_t _live
    cdef Py_ssize_t _done
    cdef bint _ended
    cdef dict _resume
    cdef list _waiting
    cdef public Py_ssize_t settled
    cdef public list edits
    cdef public dict findings
    cdef public str blocked

    cpdef feed(self, bytes piece)
    cpdef finish(self)
    cdef _decide(self, bytes text, Py_ssize_t start, Py_ssize_t live)
    cdef _search_in(self, list regions, bytes text, Py_ssize_t live)
    cdef _take(self, Py_ssize_t live, bytes text)
