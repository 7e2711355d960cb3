-- The store's name and the sums of what it holds.
-- KEYS: sums. ARGV: the name to give to a store that has none; "all" for every sum, else the one over all.
local name = redis.call('HGET', KEYS[1], 'name')
if not name then
    name = ARGV[1]
    redis.call('HSET', KEYS[1], 'name', name)
end
if ARGV[2] == 'all' then
    return {name, redis.call('HGETALL', KEYS[1])}
end
return {name, redis.call('HGET', KEYS[1], 'all') or '0'}
