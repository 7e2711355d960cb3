-- A rate (GCRA). The debt is a time at which it is gone: us and, below a microsecond, ns; both exact as doubles.
--
-- ARGV  13 interval in ns, 14 tolerance in ns (below 2^52), 15 us and 16 ns of that time as the owner last knew it
-- Known in the reply: us, ns.

local interval, tolerance = tonumber(ARGV[13]), tonumber(ARGV[14])
local known_us, known_ns = tonumber(ARGV[15]), tonumber(ARGV[16])

local row = redis.call('HMGET', counter, 'us', 'ns')
local us, ns = tonumber(row[1] or '0'), tonumber(row[2] or '0')
if known_us > us or (known_us == us and known_ns > ns) then
  -- The time never moves back: an owner that knows a later one has seen what the store has lost.
  us, ns = known_us, known_ns
elseif us == 0 and unknown_until > 0 then
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
if keep + granted + ended + used > 0 or known_us > 0 or row[1] then
  redis.call('HSET', counter, 'us', us, 'ns', ns)
end
return {'ok', now, calls, born, granted, free(), wait, owners, us, ns}
