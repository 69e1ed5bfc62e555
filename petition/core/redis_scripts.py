"""The scripts (Lua) that Redis runs for `petition.core.redis_store`, each as one step that nothing interrupts."""

from __future__ import annotations

from typing import Final

# An attempt is counted first. The right code gives its own attempt back, so that a client can repeat a request whose
# reply was lost; a caller who knows the code has nothing left to guess. Codes are compared as MACs, so the duration
# reveals nothing. The challenge is tied to the first blinded value that comes with the right code; the last result is 1
# if this value is that one. Nothing that the script does concerns the network: somebody on it would see when a colleague
# is verified (decision 0067). (The script builds the key of the guesses from what the challenge holds, which requires a
# single server and no cluster.)
#
# A wrong short code is counted against its address as well, once for each code that it was compared with: around
# midnight a challenge has two. From the fiftieth on, no short code is compared for this address, right or wrong. The
# result is then -1, and no attempt is used. The other numbers mean a wrong code; 1 says that its address has just
# reached the limit.
TRY_CODE: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local held = redis.call('HMGET', KEYS[1], 'code', 'earlier', 'long', 'earlier-long', 'tag', 'domain', 'guesses',
  'guesses-seconds')
if not held[7] then return 0 end
local first = ARGV[5] == '1' and 3 or 1
local guesses, compared = ARGV[4] .. held[7], held[1] == held[2] and 1 or 2
local before = tonumber(redis.call('GET', guesses) or '0')
local limit = tonumber(ARGV[6])
if first == 1 and before + compared > limit then return -1 end
if redis.call('HINCRBY', KEYS[1], 'tries', 1) > tonumber(ARGV[3]) then return 0 end
if held[first] ~= ARGV[1] and held[first + 1] ~= ARGV[1] then
  if first == 3 then return 0 end
  if redis.call('INCRBY', guesses, compared) == compared then redis.call('EXPIRE', guesses, held[8]) end
  if before + 2 * compared <= limit then return 0 end
  return 1
end
redis.call('HINCRBY', KEYS[1], 'tries', -1)
redis.call('HSETNX', KEYS[1], 'blinded', ARGV[2])
local own = redis.call('HGET', KEYS[1], 'blinded') == ARGV[2]
return {held[5], held[6], own and 1 or 0}
"""

LOOK: Final = """
if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1]) then
  return math.max(redis.call('TTL', KEYS[1]), 1)
end
"""

TAKE: Final = f"""{LOOK}
if redis.call('INCR', KEYS[1]) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
"""

LOOK_AT_ONE: Final = f"{LOOK} return 0"
TAKE_ONE: Final = f"{TAKE} return 0"

KEEP_CHALLENGE: Final = f"""{TAKE}
redis.call('HSET', KEYS[2], 'code', ARGV[4], 'earlier', ARGV[5], 'long', ARGV[6], 'earlier-long', ARGV[7],
  'tag', ARGV[8], 'domain', ARGV[9], 'guesses', ARGV[10], 'guesses-seconds', ARGV[11], 'tries', 0)
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 0
"""

KEEP_TAB_KEY: Final = f"""{TAKE}
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
return 0
"""
