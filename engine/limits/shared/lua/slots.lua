-- Requests at the same time: a permit is a slot, kept for as long as its owner says so. Nothing is ever spent.
--
-- ARGV  13 limit. Known in the reply: 0, 0.
-- The slots of an owner that is not heard of until its end are free again.

local limit = tonumber(ARGV[13])

local function free()
  return math.max(limit - held, 0)
end

local granted = grant(free())
local owners = close(granted, 0)
local wait = 0
if not (settled or forgiving) then
  wait = quarantine()
elseif free() < need then
  wait = -1
end
return {'ok', now, calls, born, granted, free(), wait, owners, 0, 0}
