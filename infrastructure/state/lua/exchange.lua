-- The answers to a worker's claims: by the same rule as `domain.budget.leases.grant`.
-- ARGV[5]: the claims as JSON; ARGV[6]: at most one part in so many of what is left is lent ahead of need.
local function lent(claim, left)
  local total = 0
  for _, need in ipairs(claim.needs) do
    if need <= left or (left > 0 and claim.soft) then
      total = total + need
      left = left - need
    end
  end
  return total + math.max(0, math.min(claim.ahead, math.floor(left / tonumber(ARGV[6]))))
end

local function of_others(key)
  local spent, estimated, committed = 0, 0, 0
  local found = redis.call('HGETALL', key)
  for at = 1, #found, 2 do
    if found[at] ~= worker then
      local own, guessed, held, charged = holding(found[at + 1])
      local most = math.max(own, held)
      spent = spent + (charged and most or own)
      estimated = estimated + guessed + (charged and most - own or 0)
      committed = committed + most
    end
  end
  return spent, estimated, committed
end

speak()
local answers = {}
for _, claim in ipairs(cjson.decode(ARGV[5])) do
  local key = prefix .. 'pot:' .. claim.pot
  local spent, estimated, committed = of_others(key)
  local held = math.max(claim.held, claim.spent)
  if claim.cap >= 0 then
    held = held + lent(claim, claim.cap - committed - held)
  end
  redis.call('HSET', key, worker, written(claim.spent, claim.estimated, held, 0))
  redis.call('SADD', prefix .. 'pots:' .. claim.period, claim.pot)
  redis.call('SADD', prefix .. 'held:' .. worker, claim.pot)
  for _, kept in ipairs({ key, prefix .. 'pots:' .. claim.period, prefix .. 'held:' .. worker }) do
    redis.call('EXPIRE', kept, kept_s)
  end
  answers[#answers + 1] = {
    string.format('%.0f', held),
    string.format('%.0f', spent + claim.spent),
    string.format('%.0f', estimated + claim.estimated),
    string.format('%.0f', committed + held),
  }
end
return answers
