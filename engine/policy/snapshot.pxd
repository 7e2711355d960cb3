from engine.access.network cimport NetworkRules
from engine.extraction.parameters cimport ParameterRules
from engine.identity.principal cimport Principal
from engine.limits.limiter cimport Limiter
from engine.policy.upstreams cimport ModelTable, ModelTarget


cdef class Endpoint:
    cdef readonly str name
    cdef readonly str dialect
    cdef readonly str path
    cdef readonly frozenset methods
    cdef readonly bytes upstream_path
    cdef readonly bint is_hot
    cdef readonly object route
    cdef readonly tuple response_text
    cdef readonly str body
    cdef readonly bint is_text
    cdef readonly object request_schema
    cdef readonly object response_schema


cdef class CompiledRole:
    cdef readonly str name
    cdef readonly object access
    cdef readonly ParameterRules parameters
    cdef readonly object profile
    cdef readonly bint may_probe
    cdef readonly object answers


cdef class Permit:
    cdef readonly CompiledRole role
    cdef readonly ModelTarget target


cdef class Snapshot:
    cdef readonly str revision
    cdef readonly bint api_keys
    cdef readonly Principal anonymous
    cdef readonly dict endpoints
    cdef readonly dict kept
    cdef readonly dict upstreams
    cdef readonly ModelTable models
    cdef readonly dict roles
    cdef readonly dict routes
    cdef readonly NetworkRules network
    cdef readonly Limiter limiter
    cdef readonly object bounds
    cdef readonly object tokens
    cdef readonly tuple certificates
    cdef readonly object assigned
    cdef readonly str resource
    cdef readonly object failed_credentials
    cdef readonly dict role_networks
    cdef readonly bytes forwarded
    cdef readonly str upstream_errors
    cdef readonly object shapes
    cdef readonly object flagged_text
    cdef readonly dict _permits
    cdef readonly set _callable

    cpdef check_endpoint(self, Principal principal, str endpoint)
    cpdef Permit permit(self, Principal principal, str endpoint, str model)
