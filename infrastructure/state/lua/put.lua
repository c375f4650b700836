-- KEYS: all topics; the records of the topic; its generation. ARGV: the topic; the name; the record.
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('INCR', KEYS[3])
