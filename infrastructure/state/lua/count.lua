-- KEYS: the counter; the batch. ARGV: the amount; now; when it ends if it begins now; the most it may come to,
-- or nothing; for how many milliseconds it is kept at the most; for how many the batch is known, or 0 for none.
local found = redis.call('HMGET', KEYS[1], 'total', 'ends')
local amount, most = tonumber(ARGV[1]), tonumber(ARGV[4])
local total, ends = 0, ARGV[3]
if found[1] and tonumber(ARGV[2]) < tonumber(found[2]) then
  total, ends = tonumber(found[1]), found[2]
end
local known_ms = tonumber(ARGV[6])
if known_ms > 0 and redis.call('EXISTS', KEYS[2]) == 1 then
  return { string.format('%.0f', total), 1 }
end
if most and amount > 0 and total + amount > most then
  return { string.format('%.0f', total), 0 }
end
if known_ms > 0 then
  redis.call('SET', KEYS[2], '1', 'PX', known_ms)
end
redis.call('HSET', KEYS[1], 'total', string.format('%.0f', total + amount), 'ends', ends)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return { string.format('%.0f', total + amount), 1 }
