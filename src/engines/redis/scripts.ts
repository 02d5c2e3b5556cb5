import { createHash } from 'node:crypto'

export interface Script {
  readonly text: string
  readonly sha1: string
}

function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

/**
 * Appends an id to the timelines that are there. KEYS; the id's high and low half; the most bytes of a timeline; `1` when
 * most are there. Answers how many are absent, then the places of those that are longer. To append and take it back is
 * one command for those that are there and two, also on disk and replicas, for the others; to ask first, the reverse.
 */
export const APPEND = script(`
local id, most, absent, call = struct.pack('>I4I4', ARGV[1], ARGV[2]), tonumber(ARGV[3]), 0, redis.call
local out, ask = {0}, ARGV[4] ~= '1'
for i = 1, #KEYS do
  if ask and call('STRLEN', KEYS[i]) == 0 then
    absent = absent + 1
  else
    local length = call('APPEND', KEYS[i], id)
    if length == 8 then
      call('DEL', KEYS[i])
      absent = absent + 1
    elseif length > most then
      out[#out + 1] = i
    end
  end
end
out[1] = absent
return out`)

/**
 * Compare and set: if the value begins with the expected header (ARGV[1]), its first ARGV[2] bytes become ARGV[3]. What
 * was appended since those were read stays behind them. Answers 1, or 0 when the header is another.
 */
export const SWAP = script(`
local key = KEYS[1]
if redis.call('GETRANGE', key, 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('SET', key, ARGV[3] .. redis.call('GETRANGE', key, ARGV[2], -1), 'KEEPTTL')
return 1`)

/** The value, whose time to live becomes ARGV[2] seconds if it is below ARGV[1]. */
export const VISIT = script(`
local value = redis.call('GET', KEYS[1])
if value and redis.call('TTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return value`)

/** Of each timeline: epoch, base and last id (8 bytes each) and its length in digits; null when it is absent. */
export const MARKS = script(`
local out, call = {}, redis.call
for i = 1, #KEYS do
  local length = call('STRLEN', KEYS[i])
  out[i] = length > 0 and
    call('GETRANGE', KEYS[i], 0, 15) .. call('GETRANGE', KEYS[i], -8, -1) .. string.format('%d', length)
end
return out`)

export const SCRIPTS: readonly Script[] = [APPEND, SWAP, VISIT, MARKS]
