-- Puts one key in the place of the state of it that was looked at, and keeps the sums true. 1: done. 0: it is another
-- state by now, and nothing was done.
-- KEYS: bucket, sums. ARGV: the bucket's name in the sums, id, the state looked at ("" for none), the new one.
local SUMS, WRAP = KEYS[2], 281474976710656  -- 2^48: a double counts to 2^53

local function hash(id, value)
    return tonumber(string.sub(redis.sha1hex(id .. ':' .. value), 1, 12), 16)
end

local id, value = ARGV[2], ARGV[4]
local old = redis.call('HGET', KEYS[1], id)
if (old or '') ~= ARGV[3] then
    return 0
end
local change = hash(id, value)
if old then
    change = change - hash(id, old)
end
redis.call('HSET', KEYS[1], id, value)
for _, name in ipairs({ARGV[1], 'all'}) do
    local sum = tonumber(redis.call('HGET', SUMS, name) or '0')
    redis.call('HSET', SUMS, name, string.format('%.0f', (sum + change) % WRAP))
end
return 1
