-- What was used of a counter, set by hand. What is leased stays leased.
--
-- KEYS  1 bucket   2 counter
-- ARGV  1 id of the store   2 kind: rate or quota   3 how much: a rate's debt in ns, else permits   4 how long the counter
--       means something beyond that debt, in us
-- Reply 1: done, 0: the bucket belongs to no store or another one.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return 0
end
local amount, rest = tonumber(ARGV[3]), tonumber(ARGV[4])
if ARGV[2] == 'rate' then
  redis.call('HSET', KEYS[2], 'us', now + math.floor(amount / 1000), 'ns', amount % 1000, 'mended', now)
  rest = rest + amount / 1000
else
  redis.call('HSET', KEYS[2], 'used', amount, 'mended', now)
end
redis.call('PEXPIRE', KEYS[2], math.ceil(rest / 1000))
return 1
