-- A bucket's life: made, looked at, and begun anew where what it holds cannot be trusted.
--
-- KEYS  1 bucket
-- ARGV  1 id that the caller knows this store by ("" is a caller that has seen no store), 2 id that the bucket shall have
--       3 calls of this bucket that the caller has had answers to
-- Reply {id, born, calls, now}

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local life = redis.call('HMGET', KEYS[1], 'id', 'born', 'calls')
local id, born, calls = life[1], tonumber(life[2] or '0'), tonumber(life[3] or '0')

if not id then
  -- A new store, or one that has lost what its hosts remember.
  born = ARGV[1] == '' and 0 or now
elseif id ~= ARGV[2] or (ARGV[1] ~= '' and ARGV[1] ~= ARGV[2]) or tonumber(ARGV[3]) > calls then
  born = now
end
calls = math.max(calls, tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'id', ARGV[2], 'born', born, 'calls', calls)
return {ARGV[2], born, calls, now}
