-- The ledger of one counter: what all kinds of limit have in common. A kind's file follows in the same script.
--
-- KEYS  1 bucket (hash: id, born, calls, life, blank: bucket.lua)
--       2 counter (hash: held, idle, heard, grace, life, fresh, mended, o<owner>, the kind's own)
--       3 ends (zset: owner by end)
-- ARGV  1 id of the store   2 calls of this bucket that the owner has had answers to   3 owner   4 number of this report
--       5 ttl of a lease in us   6 spent, in all   7 of it acknowledged   8 permits kept   9 smallest useful grant
--       10 permits that requests wait for   11 permits wanted, those included   12 "1": forget what a lost life had used
--       13 the life in which these calls were, "" for none   14 the life in which the owner last heard of this counter, ""
--       for never   15 when that was in us   16... the kind's own
-- Reply {"ok", now, calls, born, granted, free, wait, owners, known, known, life}
--       {"other", now, id}: the bucket belongs to no store or another one; nothing was done
--       {"stale", now}: a report that was overtaken by a later one; nothing was done
-- Times are us of the store's clock; wait is us until something useful may be free, -1: when somebody gives back.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local bucket, counter, ends = KEYS[1], KEYS[2], KEYS[3]
local owner, number, ttl = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local spent, acknowledged, keep = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local need, urgent, want = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local forgiving = ARGV[12] == '1'

local place = redis.call('HMGET', bucket, 'id', 'born', 'calls', 'life', 'blank')
if place[1] ~= ARGV[1] then
  return {'other', now, place[1] or ''}
end
local born, calls, life = tonumber(place[2] or '0'), tonumber(place[3] or '0'), tonumber(place[4] or '0')
local blank = tonumber(place[5] or '0')
local seen, seen_in = tonumber(ARGV[2]), tonumber(ARGV[13]) or -1
if seen_in > life or (seen_in == life and seen > calls) then
  -- The owner has had answers that this store does not remember giving.
  born, life, calls = now, now, math.max(calls, seen)
  redis.call('HSET', bucket, 'born', born, 'life', life)
end
calls = calls + 1
redis.call('HSET', bucket, 'calls', calls)
-- Leases of the life before may be spent until here, and workers tell what they know.
local settled = born == 0 or now >= born + ttl
-- Whether the owner knows what a life before this one had used.
local is_told = ARGV[14] ~= '' and tonumber(ARGV[14]) ~= life
-- Until when somebody may come who knows what is not known of this counter.
local unknown_until = 0
if blank > 0 and not forgiving and not is_told then
  unknown_until = blank + ttl
end

local function record(name)
  local text = redis.call('HGET', counter, 'o' .. name)
  if not text then
    return nil
  end
  local last, before, held = string.match(text, '^(%d+):(%d+):(%d+)$')
  return tonumber(last), tonumber(before), tonumber(held)
end

local row = redis.call('HMGET', counter, 'held', 'heard', 'grace', 'life', 'fresh', 'mended', 'idle')
local held, grace = tonumber(row[1] or '0'), tonumber(row[3] or '0')
-- Owners that hold nothing, and have a record until they know that the last report was heard.
local idle = tonumber(row[7] or '0')

-- Whether what was used was set by hand since the owner last heard of it: mend.lua.
local is_outdated = tonumber(row[6] or '-1') >= tonumber(ARGV[15])

local last = record(owner)
if last and number <= last then
  return {'stale', now}
end

-- An owner that lives calls twice in a ttl. When nobody has for longer it was rather the store that was away, and the
-- owners get one more ttl to be heard of.
if row[2] and now - tonumber(row[2]) > 0.6 * ttl then
  grace = now + ttl
  redis.call('HSET', counter, 'grace', grace)
end
-- Permits whose owners have let them end, taken out of `held`. A bounded number a call, the oldest first.
local ended = 0
if now >= grace then
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 64)) do
    local _, _, amount = record(name)
    ended = ended + (amount or 0)
    idle = idle - (amount == 0 and 1 or 0)
    redis.call('HDEL', counter, 'o' .. name)
    redis.call('ZREM', ends, name)
  end
end
held = held - ended
-- How long a lease is kept for an owner that says nothing. It stops to use it within one ttl; the second is for its next
-- report, after a store that was away. A kind may set it otherwise.
local lasting = 2 * ttl

-- What the owner reports. Without a record of it there was nothing left to spend, or the record was lost.
local _, before, had = record(owner)
local used = math.max(spent - (before or acknowledged), 0)
held = held - (had or 0) + keep
idle = idle - (had == 0 and 1 or 0)
-- What was told in this life and is not in what an owner knows of the one before. Who comes later with more knowledge of
-- that one finds it here, to be added to it.
local fresh = tonumber(row[4] or '-1') == life and tonumber(row[5]) or 0
fresh = fresh + ended + math.min(used, math.max(spent - acknowledged, 0))

-- The grant out of `free`: what requests wait for, and ahead of that no more than half an even share.
local function grant(free)
  if free < need or want < need or not (settled or forgiving) then
    return 0
  end
  local others = redis.call('ZCARD', ends) - idle
  if not had or had == 0 then
    others = others + 1
  end
  local ahead = math.min(want, math.floor(free / (2 * others)))
  return math.min(free, math.max(need, urgent, ahead))
end

-- Writes the owner's record and says how many owners there are. `rest` is how long the counter means something, in us.
local function close(granted, rest)
  local mine = keep + granted
  held = held + granted
  -- A report that is told again because its answer was lost is not to be charged again.
  local is_recorded = mine > 0 or spent > acknowledged
  idle = idle + ((is_recorded and mine == 0) and 1 or 0)
  redis.call('HSET', counter, 'held', held, 'idle', idle, 'heard', now, 'life', life, 'fresh', fresh)
  if is_recorded then
    redis.call('HSET', counter, 'o' .. owner, string.format('%.0f:%.0f:%.0f', number, spent, mine))
    redis.call('ZADD', ends, now + lasting, owner)
  else
    redis.call('HDEL', counter, 'o' .. owner)
    redis.call('ZREM', ends, owner)
  end
  -- An ended lease is still to be charged when it is found: a ttl on top.
  local keep_ms = math.ceil((rest + 3 * ttl) / 1000)
  redis.call('PEXPIRE', counter, keep_ms)
  redis.call('PEXPIRE', ends, keep_ms)
  return redis.call('ZCARD', ends) - idle
end

local function quarantine()
  return math.max(born + ttl - now, 1)
end
