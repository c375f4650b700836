-- How many seats a worker may fill: by the same rule as `domain.admission.seats.divided`.
-- ARGV[5]: the name; ARGV[6]: how many are wanted; ARGV[7]: how many are used; ARGV[8]: how many there are;
-- ARGV[9]: for how many seconds they are held; ARGV[10]: for how many a turn lasts.
-- A claim is "wanted:held:turn:since:until", by the clock of the server: those of gateways may disagree by more
-- than a claim lasts, and then one would take what another holds for over.
local name, lasts_s, turn_s = ARGV[5], tonumber(ARGV[9]), tonumber(ARGV[10])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
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
local function lacks(claim) return claim.wanted > claim.held and 1 or 0 end

local workers = 1 + sum(function(claim) return claim.wanted > 0 and 1 or 0 end)
local parts = math.max(1, wanted + sum(function(claim) return claim.wanted end) - workers)

local function rest(seats)
  return math.max(0, limit - workers) * (seats - 1) / parts
end

local function share_of(seats)
  return math.min(seats, (workers <= limit and 1 or 0) + math.floor(rest(seats)))
end

local function rounded_up(seats)
  return math.min(seats, 1 + math.ceil(rest(seats)))
end

local function owed(claim)
  return math.max(0, share_of(claim.wanted) - claim.held)
end

local function waits(claim)
  local share = share_of(claim.wanted)
  return claim.held <= share and share < rounded_up(claim.wanted)
end

local function ahead()
  if own.held <= share_of(wanted) then
    return sum(function(claim) return waits(claim) and claim.turn < own.turn and 1 or 0 end)
  end
  return now - own.since >= turn_s and sum(function(claim) return waits(claim) and 1 or 0 end) or 0
end

local function granted()
  local free = limit - sum(held)
  local most = math.min(wanted, free)
  if sum(lacks) == 0 then
    return most
  end
  local share = share_of(wanted)
  local left_over = free - sum(owed) - share - ahead()
  return math.min(most, rounded_up(wanted), share + math.max(0, left_over))
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
local share = share_of(wanted)
if (holds > share) ~= (own.held > share) then
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
