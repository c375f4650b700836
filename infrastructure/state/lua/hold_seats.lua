-- How many seats a worker may fill: by the same rule as `domain.admission.seats.divided`.
-- ARGV[5]: the name; ARGV[6]: how many are wanted; ARGV[7]: how many are used; ARGV[8]: how many there are;
-- ARGV[9]: now; ARGV[10]: for how many seconds they are held; ARGV[11]: for how many a turn lasts.
-- A claim is "wanted:held:turn:since:until".
local name, now, lasts_s, turn_s = ARGV[5], tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local wanted, used, limit = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local key = prefix .. 'claims:' .. name

local own = { wanted = 0, held = 0, turn = 0, since = 0, ends = now }
local others, next_turn = {}, 1
local found = redis.call('HGETALL', key)
for at = 1, #found, 2 do
  local parts = {}
  for part in string.gmatch(found[at + 1], '[^:]+') do
    parts[#parts + 1] = tonumber(part)
  end
  local claim = { wanted = parts[1], held = parts[2], turn = parts[3], since = parts[4], ends = parts[5] }
  if claim.ends <= now then
    redis.call('HDEL', key, found[at])
  else
    next_turn = math.max(next_turn, claim.turn + 1)
    if found[at] == worker then
      own = claim
    else
      others[#others + 1] = claim
    end
  end
end

local function sum(figure)
  local total = 0
  for _, claim in ipairs(others) do
    total = total + figure(claim)
  end
  return total
end

local function held(claim) return claim.held end
local function wanted_by(claim) return claim.wanted end
local function one_if(found) return found and 1 or 0 end

local function share_of(rivals, free)
  local number, total = rivals + 1, wanted + sum(wanted_by)
  local function share(most)
    return 1 + math.floor((limit - number) * (most - 1) / math.max(1, total - number))
  end
  local owed = sum(function(claim)
    return claim.wanted > 0 and math.max(0, math.min(claim.wanted, share(claim.wanted)) - claim.held) or 0
  end)
  return math.min(math.max(1, math.ceil(limit * wanted / total)), math.max(share(wanted), free - owed))
end

local function turn_of(free)
  if own.held == 0 then
    return one_if(free > sum(function(claim)
      return one_if(claim.wanted > 0 and claim.held == 0 and claim.turn < own.turn)
    end))
  end
  local waiting = sum(function(claim) return one_if(claim.wanted > 0 and claim.held == 0) end)
  return one_if(now - own.since < turn_s or free - own.held >= waiting)
end

local function granted()
  local free = limit - sum(held)
  local most = math.min(wanted, free)
  if sum(function(claim) return one_if(claim.wanted > claim.held) end) == 0 then
    return most
  end
  local rivals = sum(function(claim) return one_if(claim.wanted > 0) end)
  return math.min(most, rivals < limit and share_of(rivals, free) or turn_of(free))
end

if wanted == 0 and used == 0 then
  redis.call('HDEL', key, worker)
  return 0
end
if own.turn == 0 then
  own.turn, own.since = next_turn, now
end
local may_fill = math.max(0, granted())
local holds, turn, since = math.max(may_fill, used), own.turn, own.since
if (holds > 0) ~= (own.held > 0) then
  turn, since = next_turn, now
end
-- Written when it has changed, or would be over soon: it is asked several times a second.
if own.wanted ~= wanted or own.held ~= holds or own.turn ~= turn or own.ends < now + lasts_s / 2 then
  local claim = { wanted, holds, turn, string.format('%.6f', since), string.format('%.6f', now + lasts_s) }
  redis.call('HSET', key, worker, table.concat(claim, ':'))
  redis.call('SADD', prefix .. 'seated:' .. worker, name)
  redis.call('EXPIRE', prefix .. 'seated:' .. worker, kept_s)
end
return may_fill
