cpdef bytes member(bytes text, bytes name)
cpdef list integers(bytes text, tuple names)
cpdef list pick(bytes text, dict wanted)
