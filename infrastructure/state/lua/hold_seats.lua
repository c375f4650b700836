-- ARGV[5]: the name; ARGV[6]: how many are wanted; ARGV[7]: how many there are; ARGV[8]: now; ARGV[9]: until when.
local name, now = ARGV[5], tonumber(ARGV[8])
local key, taken = prefix .. 'seats:' .. name, 0
local found = redis.call('HGETALL', key)
for at = 1, #found, 2 do
  local held, ends = string.match(found[at + 1], '^(%d+):(.*)$')
  if tonumber(ends) <= now then
    redis.call('HDEL', key, found[at])
  elseif found[at] ~= worker then
    taken = taken + tonumber(held)
  end
end
local mine = math.max(0, math.min(tonumber(ARGV[6]), tonumber(ARGV[7]) - taken))
redis.call('HSET', key, worker, string.format('%d:', mine) .. ARGV[9])
redis.call('SADD', prefix .. 'seated:' .. worker, name)
redis.call('EXPIRE', prefix .. 'seated:' .. worker, kept_s)
return mine
