-- KEYS: the records of a topic; its generation. ARGV: the name.
if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then
  redis.call('INCR', KEYS[2])
end
