-- Requests at the same time: a permit is a slot, kept for as long as its owner says so. Nothing is ever spent.
--
-- ARGV  16 limit. Known in the reply: 0, 0.
-- The slots of an owner that is not heard of until its end are free again. Its requests may still run, if it is the network
-- that is gone and not the owner: so that is twelve ttl.

local limit = tonumber(ARGV[16])
lasting = 12 * ttl
-- A store that is away for longer than this has no requests of before to remember.
local remembered = 720 * ttl

local function free()
  return math.max(limit - held, 0)
end

local granted = grant(free())
local owners = close(granted, held + granted > 0 and remembered or 0)
local wait = 0
if not (settled or forgiving) then
  wait = quarantine()
elseif free() < need then
  wait = -1
end
return {'ok', now, calls, born, granted, free(), wait, owners, 0, 0, life}
