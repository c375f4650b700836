-- KEYS: the records of a topic. ARGV: now. Drops what is over: nobody reads it any more, but it takes room.
local found = redis.call('HGETALL', KEYS[1])
for at = 1, #found, 2 do
  local ends = tonumber(string.match(found[at + 1], '^([^|]*)|'))
  if ends and ends <= tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[1], found[at])
  end
end
