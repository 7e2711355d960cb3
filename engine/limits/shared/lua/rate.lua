-- A rate (GCRA). The debt is a time at which it is gone: us and, below a microsecond, ns; both exact as doubles.
--
-- ARGV  16 interval in ns, 17 tolerance in ns (below 2^52), 18 us and 19 ns of that time as the owner last knew it
-- Known in the reply: us, ns.

local interval, tolerance = tonumber(ARGV[16]), tonumber(ARGV[17])
local known_us, known_ns = tonumber(ARGV[18]), tonumber(ARGV[19])
if is_outdated then
  known_us, known_ns = 0, 0
end

local stored = redis.call('HMGET', counter, 'us', 'ns')
local us, ns = tonumber(stored[1] or '0'), tonumber(stored[2] or '0')

-- The time never moves back.
local function at_least(other_us, other_ns)
  if other_us > us or (other_us == us and other_ns > ns) then
    us, ns = other_us, other_ns
  end
end

if not is_told then
  -- The store has lost it without being noticed to.
  at_least(known_us, known_ns)
end
local is_assumed = us == 0 and unknown_until > 0
if is_assumed then
  us, ns = unknown_until + math.floor(tolerance / 1000), tolerance % 1000
end

local function level()
  return math.max((us - now) * 1000 + ns, 0)
end

if level() > 2 * tolerance and settled then
  -- A limit that was made smaller, a clock that was set back, or one answer that was longer than all: no more than twice
  -- the limit is owed.
  us, ns = now + math.floor(2 * tolerance / 1000), 2 * tolerance % 1000
end

local function charge(permits)
  if us < now then
    us, ns = now, 0
  end
  local total = ns + permits * interval
  us, ns = us + math.floor(total / 1000), total % 1000
end

if ended + used > 0 then
  charge(ended + used)
end
if is_told then
  local total = known_ns + fresh * interval
  at_least(known_us + math.floor(total / 1000), total % 1000)
end

local function free()
  return math.max(math.floor((tolerance - level()) / interval) - held, 0)
end

local granted = grant(free())
local wait = 0
-- Leases that nobody ends are charged when they are found, and then drain.
local owners = close(granted, math.floor((level() + (held + granted) * interval) / 1000))
local lacking = level() + (held + need) * interval - tolerance
if not (settled or forgiving) then
  wait = quarantine()
elseif lacking > 0 then
  wait = lacking <= level() and math.ceil(lacking / 1000) or -1
end
if is_told or keep + granted + ended + used + known_us > 0 or stored[1] then
  redis.call('HSET', counter, 'us', us, 'ns', ns)
elseif is_assumed then
  return {'ok', now, calls, born, granted, free(), wait, owners, 0, 0, life}
end
return {'ok', now, calls, born, granted, free(), wait, owners, us, ns, life}
