-- A calendar quota: so much from the window's start to its end, by the store's clock. A counter is of one window.
--
-- ARGV  16 limit, 17 start and 18 end of the window in us, 19 what the window had used as the owner last knew it
-- Known in the reply: used, 0.
-- A window grants nothing before its start and after its end; an owner sees by the reply's time where it stands (wait is 0
-- when the window is over: there is another one), and lets its permits end with the window.

local limit, starts, stops, known = tonumber(ARGV[16]), tonumber(ARGV[17]), tonumber(ARGV[18]), tonumber(ARGV[19])
if is_outdated then
  known = 0
end

local text = redis.call('HGET', counter, 'used')
local total = tonumber(text or '0')
if not is_told then
  -- The store has lost it without being noticed to.
  total = math.max(total, known)
end
local is_assumed = total == 0 and not text and unknown_until > starts
if is_assumed then
  total = limit
end
total = total + ended + used
if is_told then
  total = math.max(total, known + fresh)
end

local function free()
  return math.max(limit - total - held, 0)
end

local granted = 0
if now >= starts and now < stops then
  granted = grant(free())
end
local owners = close(granted, math.max(stops - now, 0))
local wait = 0
if now >= stops then
  wait = 0
elseif not (settled or forgiving) then
  wait = quarantine()
elseif now < starts then
  wait = starts - now
elseif free() < need then
  wait = limit - total < need and math.max(stops - now, 1) or -1
end
if text or is_told or known + granted + keep + ended + used > 0 then
  redis.call('HSET', counter, 'used', total)
elseif is_assumed then
  return {'ok', now, calls, born, granted, free(), wait, owners, 0, 0, life}
end
return {'ok', now, calls, born, granted, free(), wait, owners, total, 0, life}
