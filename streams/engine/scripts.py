"""The two Lua scripts of a fenced store: one reads a chunk's view, one writes its effects or refuses.

Everything of one (agent, version, input partition) shares a hash tag, so each call touches one slot and
works the same on Redis and on Redis Cluster. Arguments are flat and never JSON: bytes stay bytes.
"""

from __future__ import annotations

from typing import Final

# KEYS: meta, state, seen. ARGV: window (0: none), block of the first record, number of ids, ids, fields.
# Returns {meta flat, values in the fields' order, positions (from 0) of the ids already seen, floor}.
# The window is cut at borders of the log's offsets ("blocks"), never at a chunk's: what is a repeat must
# not depend on how records were chunked. Here it is only looked through as if it were cut; WRITE cuts it.
READ: Final = """
local window, block, n = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local meta = redis.call('HGETALL', KEYS[1])
local values = {}
if #ARGV > 3 + n then values = redis.call('HMGET', KEYS[2], unpack(ARGV, 4 + n)) end
local known, floor = {}, '-1'
if window > 0 then
  local held = redis.call('HMGET', KEYS[1], 'floor', 'block')
  floor = held[1] or '-1'
  if block > (tonumber(held[2]) or 0) then
    local over = redis.call('ZCARD', KEYS[3]) - window
    if over > 0 then
      local last = redis.call('ZRANGE', KEYS[3], over - 1, over - 1, 'WITHSCORES')
      if tonumber(last[2]) > tonumber(floor) then floor = last[2] end
    end
  end
  if n > 0 then
    local scores = redis.call('ZMSCORE', KEYS[3], unpack(ARGV, 4, 3 + n))
    local least = tonumber(floor)
    for i = 1, n do
      if scores[i] and tonumber(scores[i]) > least then known[#known + 1] = i - 1 end
    end
  end
end
return {meta, values, known, floor}
"""

# KEYS: meta, state, seen, then the keys of ops. ARGV: expected fence, new fence, channel, note, outcome
# seconds, floor, block ('' without a window), six counts (marks, sets, deletions, ids, outcomes, ops), then
# their flat values: mark+position, field+value, field, score+id, outcome+its requests+'repeat' where it says
# nothing of what became of them, and per op: key number, argument count, command, arguments.
# Most requests of a chunk have the same few outcomes, so these requests are one argument, a JSON list of ids,
# and their keys are made here: of the tag of meta, so in its slot.
# Returns 1, or 0 when the stored fence is not the expected one: then nothing was written.
WRITE: Final = """
local meta, state, seen = KEYS[1], KEYS[2], KEYS[3]
if (redis.call('HGET', meta, 'fence') or '-1') ~= ARGV[1] then return 0 end
local at = 14
local function each(count, width, step)
  local left = count * width
  while left > 0 do
    local take = math.min(left, 7000)
    step(at, at + take - 1)
    at = at + take
    left = left - take
  end
end
redis.call('HSET', meta, 'fence', ARGV[2])
each(tonumber(ARGV[8]), 2, function(a, b) redis.call('HSET', meta, unpack(ARGV, a, b)) end)
each(tonumber(ARGV[9]), 2, function(a, b) redis.call('HSET', state, unpack(ARGV, a, b)) end)
each(tonumber(ARGV[10]), 1, function(a, b) redis.call('HDEL', state, unpack(ARGV, a, b)) end)
if ARGV[7] ~= '' then
  if tonumber(ARGV[7]) > (tonumber(redis.call('HGET', meta, 'block') or '0')) then
    redis.call('ZREMRANGEBYSCORE', seen, '-inf', ARGV[6])
  end
  redis.call('HSET', meta, 'floor', ARGV[6], 'block', ARGV[7])
  each(tonumber(ARGV[11]), 2, function(a, b) redis.call('ZADD', seen, unpack(ARGV, a, b)) end)
end
local outcome = string.sub(meta, 1, -#'meta' - 1) .. 'outcome:'
for _ = 1, tonumber(ARGV[12]) do
  for _, request in ipairs(cjson.decode(ARGV[at + 1])) do
    local document = ARGV[at]
    local before = ARGV[at + 2] == 'repeat' and redis.call('GET', outcome .. request)
    if before then
      before = cjson.decode(before)
      document = string.sub(document, 1, -2) .. ',"first":"' .. (before.first or before.type) .. '"}'
    end
    redis.call('SET', outcome .. request, document, 'EX', ARGV[5])
  end
  at = at + 3
end
for _ = 1, tonumber(ARGV[13]) do
  local count = tonumber(ARGV[at + 1])
  redis.call(ARGV[at + 2], KEYS[tonumber(ARGV[at])], unpack(ARGV, at + 3, at + 2 + count))
  at = at + 3 + count
end
if ARGV[3] ~= '' then redis.call('SPUBLISH', ARGV[3], ARGV[4]) end
return 1
"""
