"""The vault's keys in its Redis, and the steps that must be one: Lua, run whole or not at all.

    e:<kind>:<id>   hash: v wrapped value, n token of the write that made it, s subject ("" for none),
                    m milliseconds since 1970 when it was put (not there: before this was noted)
    i:<kind>        sorted set of the ids of a kind, by the time they expire (milliseconds; +inf: never)
    s:<subject>     sorted set of "<kind>:<id>" filed under a subject, likewise
    canary          a wrapped value that only the right keys open
    restoring       id of the backup whose restore has begun and not ended

A write carries a random token. So the same write, repeated because its answer was lost, is known and not
done twice. Keys are named inside the scripts: the vault is one server, never a cluster.
"""

from __future__ import annotations

from typing import Final

# KEYS: entry, index. ARGV: value, token, kind, id, subject, expires_in_ms, if_absent, if_known.
PUT: Final = """
local value, token, kind, id, subject = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local expires_in_ms, if_absent, if_known = tonumber(ARGV[6]), ARGV[7] == '1', ARGV[8] == '1'
local was = redis.call('HMGET', KEYS[1], 'n', 's')
if was[1] == token then return 1 end
if if_absent and was[1] then return 0 end
if if_known and redis.call('EXISTS', 'e:subject_key:' .. subject) == 0 then return 0 end
local name = kind .. ':' .. id
if subject == '' then
  subject = was[2] or ''
elseif was[2] and was[2] ~= '' and was[2] ~= subject then
  redis.call('ZREM', 's:' .. was[2], name)
end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = '+inf'
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'v', value, 'n', token, 's', subject, 'm', string.format('%.0f', now_ms))
if expires_in_ms > 0 then
  redis.call('PEXPIRE', KEYS[1], expires_in_ms)
  ends = string.format('%.0f', now_ms + expires_in_ms)
end
local past = '(' .. string.format('%.0f', now_ms)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', past)
redis.call('ZADD', KEYS[2], ends, id)
if subject ~= '' then
  redis.call('ZREMRANGEBYSCORE', 's:' .. subject, '-inf', past)
  redis.call('ZADD', 's:' .. subject, ends, name)
end
return 1
"""

# KEYS: entry. ARGV: token seen, new token, new value. 1 done, 0 somebody else was faster.
SWAP: Final = """
local token = redis.call('HGET', KEYS[1], 'n')
if token == ARGV[2] then return 1 end
if token ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[3], 'n', ARGV[2])
return 1
"""

# KEYS: entry, index. ARGV: kind, id, and the token that it must have ("": any).
DELETE: Final = """
if ARGV[3] ~= '' and redis.call('HGET', KEYS[1], 'n') ~= ARGV[3] then return 0 end
local subject = redis.call('HGET', KEYS[1], 's')
if subject and subject ~= '' then redis.call('ZREM', 's:' .. subject, ARGV[1] .. ':' .. ARGV[2]) end
redis.call('ZREM', KEYS[2], ARGV[2])
return redis.call('DEL', KEYS[1])
"""

# KEYS: the subject's set. Returns how many entries were there.
FORGET: Final = """
local names, found = redis.call('ZRANGE', KEYS[1], 0, -1), 0
for _, name in ipairs(names) do
  local colon = string.find(name, ':', 1, true)
  redis.call('ZREM', 'i:' .. string.sub(name, 1, colon - 1), string.sub(name, colon + 1))
  found = found + redis.call('DEL', 'e:' .. name)
end
redis.call('DEL', KEYS[1])
return found
"""

# KEYS: index. Ids that have not expired.
ENTRIES: Final = """
local time = redis.call('TIME')
local now_ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('ZRANGEBYSCORE', KEYS[1], now_ms, '+inf')
"""

# KEYS: entry. ARGV: wrapped value seen, the same wrapped anew. The token stays: the value is the same.
REWRAP: Final = """
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2])
return 1
"""
