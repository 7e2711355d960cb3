-- How many hosts share the store.
--
-- KEYS  1 hosts (zset: host by when it was last heard of)
-- ARGV  1 host, 2 us after which a silent host is no longer counted
-- Reply: their number, the caller included.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
return redis.call('ZCARD', KEYS[1])
