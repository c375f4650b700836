-- What every script of a worker begins with. A holding is "spent:estimated:held:charged".
-- ARGV: the prefix of all keys; the worker; for how many milliseconds it is believed to live; for how many
-- seconds what it holds is kept.
local prefix, worker, lives_ms, kept_s = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function holding(text)
  local spent, estimated, held, charged = string.match(text, '^(%d+):(%d+):(%d+):(%d)$')
  return tonumber(spent), tonumber(estimated), tonumber(held), charged == '1'
end

local function written(spent, estimated, held, charged)
  return string.format('%.0f:%.0f:%.0f:%d', spent, estimated, held, charged)
end

-- The worker lives; what was charged while it was believed to be gone is taken back.
local function speak()
  redis.call('SET', prefix .. 'alive:' .. worker, '1', 'PX', lives_ms)
  redis.call('SADD', prefix .. 'workers', worker)
  for _, pot in ipairs(redis.call('SMEMBERS', prefix .. 'held:' .. worker)) do
    local text = redis.call('HGET', prefix .. 'pot:' .. pot, worker)
    if text and string.sub(text, -1) == '1' then
      redis.call('HSET', prefix .. 'pot:' .. pot, worker, string.sub(text, 1, -2) .. '0')
    end
  end
end
