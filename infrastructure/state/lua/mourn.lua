-- What is lent to workers that are gone counts as spent: returns pairs of a pot and what that was.
local charges = {}

local function charge(other)
  for _, pot in ipairs(redis.call('SMEMBERS', prefix .. 'held:' .. other)) do
    local text = redis.call('HGET', prefix .. 'pot:' .. pot, other)
    if text then
      local spent, estimated, held, charged = holding(text)
      if held > spent and not charged then
        redis.call('HSET', prefix .. 'pot:' .. pot, other, written(spent, estimated, held, 1))
        charges[#charges + 1] = { pot, string.format('%.0f', held - spent) }
      end
    end
  end
  redis.call('SREM', prefix .. 'workers', other)
end

speak()
for _, other in ipairs(redis.call('SMEMBERS', prefix .. 'workers')) do
  if redis.call('EXISTS', prefix .. 'alive:' .. other) == 0 then
    charge(other)
  end
end
return charges
