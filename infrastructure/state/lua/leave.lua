-- A worker leaves in good order: what it has spent stays, what it was lent is free, and so are its seats.
for _, pot in ipairs(redis.call('SMEMBERS', prefix .. 'held:' .. worker)) do
  local text = redis.call('HGET', prefix .. 'pot:' .. pot, worker)
  if text then
    local spent, estimated = holding(text)
    redis.call('HSET', prefix .. 'pot:' .. pot, worker, written(spent, estimated, spent, 0))
  end
end
for _, name in ipairs(redis.call('SMEMBERS', prefix .. 'seated:' .. worker)) do
  redis.call('HDEL', prefix .. 'claims:' .. name, worker)
end
redis.call('DEL', prefix .. 'held:' .. worker, prefix .. 'seated:' .. worker, prefix .. 'alive:' .. worker)
redis.call('SREM', prefix .. 'workers', worker)
