-- A bucket's life: made, looked at, and begun anew where what it holds cannot be trusted.
--
-- KEYS  1 bucket
-- ARGV  1 id that the caller knows this store by ("" is a caller that has seen no store), 2 id that the bucket shall have
--       3 calls of this bucket that the caller has had answers to, 4 in which life, "" for none
-- Reply {id, born, calls, now, life}
-- born is when whole leases may be out that nobody here knows of, 0 for never. life names what was counted without a
-- break: the time at which it began. Beside them stands blank: when all of it was lost the last time, 0 for never. Only
-- then is a counter that is not here one that may have been used; where the last writes are missing, it is one of which
-- workers tell, or that nobody has used.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local row = redis.call('HMGET', KEYS[1], 'id', 'born', 'calls', 'life', 'blank')
local id, born, calls, life = row[1], tonumber(row[2] or '0'), tonumber(row[3] or '0'), tonumber(row[4] or '0')
local blank = tonumber(row[5] or '0')
local seen, seen_in = tonumber(ARGV[3]), tonumber(ARGV[4]) or -1

if not id then
  -- A new store, or one that has lost what its hosts remember.
  born = ARGV[1] == '' and 0 or now
  blank, life = born, now
elseif seen_in > life or (seen_in == life and seen > calls) then
  -- It has lost a part.
  born, life, calls = now, now, math.max(calls, seen)
elseif id ~= ARGV[2] or (ARGV[1] ~= '' and ARGV[1] ~= ARGV[2]) then
  -- The caller comes from another store, and may have leases from there.
  born, blank = now, now
end
redis.call('HSET', KEYS[1], 'id', ARGV[2], 'born', born, 'calls', calls, 'life', life, 'blank', blank)
return {ARGV[2], born, calls, now, life}
