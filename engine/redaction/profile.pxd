cimport cython

from engine.redaction.rule cimport Rule
from engine.redaction.ruleset cimport next_place
from engine.redaction.search cimport Search


cdef class Redaction:
    cdef readonly bytes text
    cdef readonly dict findings
    cdef readonly str blocked


cdef class Profile:
    cdef readonly str name
    cdef readonly tuple rules
    cdef readonly tuple actions
    cdef readonly Search search
    cdef readonly bytes hash_key
    cdef readonly tuple detecting
    cdef readonly tuple always
    cdef readonly Py_ssize_t lookback
    cdef readonly bint wants_prompt
    cdef readonly Profile role

    cpdef bint clean(self, bytes text) except -1

    @cython.locals(rule=Rule, index=Py_ssize_t)
    cpdef list candidates(self, bytes text, Py_ssize_t start, Py_ssize_t before)
    cpdef list suspects(self, bytes text)
    cpdef Py_ssize_t live_from(self, bytes text, Py_ssize_t start) except -1

    @cython.locals(rule=Rule, index=Py_ssize_t)
    cpdef bint hides(self, bytes text) except -1
    cpdef list found(self, bytes text)

    @cython.locals(
        rule=Rule,
        index=Py_ssize_t,
        at=Py_ssize_t,
        right=Py_ssize_t,
        before=Py_ssize_t,
        start=Py_ssize_t,
        end=Py_ssize_t,
        minus_end=Py_ssize_t,
        done=Py_ssize_t,
        action=str,
    )
    cdef list _found_in(self, bytes text, list regions)
    cpdef redact(self, bytes text)
    cpdef dict redact_each(self, bytes texts, list regions)

    @cython.locals(rule=Rule, index=Py_ssize_t, start=Py_ssize_t, end=Py_ssize_t, done=Py_ssize_t, action=str)
    cdef _redact(self, bytes text, list found)
    cpdef bytes replacement(self, Rule rule, str action, bytes found)
