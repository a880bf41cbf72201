/**
 * What runs on the server. No script is longer than a slice, and none reads a whole value. Expiry and
 * idle time come first, since STRLEN and GETRANGE would set the idle time back where CLIENT NO-TOUCH is not known.
 */

/**
 * Bytes at the end of a value that its fingerprint is made of: enough to hold the time at which the field's programs wrote it,
 * to the microsecond. With its expiry and length, another value has another fingerprint.
 */
export const PROOF_BYTES = 64;
/** Hexadecimal digits of their SHA-1 that are compared: 52 bits. */
export const PROOF_DIGITS = 13;
/** A time to live that is longer counts as this: numbers beyond are no longer exact. */
const FAR = 2 ** 52;

/**
 * Of a string its length and its bytes from `from` on, a text as GETRANGE takes it (numbers would be written as texts anew for
 * each call); of anything else, whose members may be millions, what can be told without counting them: minus its memory less
 * one, and a text of type, encoding and number of members.
 */
const LOOK = `
local call, pcall = redis.call, redis.pcall
local MEMBERS = { list = 'LLEN', set = 'SCARD', zset = 'ZCARD', hash = 'HLEN', stream = 'XLEN' }
local function look(key, from)
	local length = pcall('STRLEN', key)
	if type(length) == 'number' then
		return length, call('GETRANGE', key, from, '-1')
	end
	local kind = call('TYPE', key).ok
	local memory = pcall('MEMORY', 'USAGE', key)
	local encoding = pcall('OBJECT', 'ENCODING', key)
	local members = MEMBERS[kind] and call(MEMBERS[kind], key) or 0
	if type(memory) ~= 'number' then memory = 0 end
	if type(encoding) ~= 'string' then encoding = '' end
	return -1 - memory, kind .. ':' .. encoding .. ':' .. members
end
`;

const TELL = `${LOOK}
local function tell(told, at, key, from)
	local expires = call('PEXPIRETIME', key)
	if expires > ${FAR} then expires = ${FAR} end
	told[at + 1] = expires
	if expires == -2 then
		told[at + 2], told[at + 3], told[at + 4] = -1, 0, ''
	else
		local idle = pcall('OBJECT', 'IDLETIME', key)
		told[at + 2] = type(idle) == 'number' and idle or -1
		told[at + 3], told[at + 4] = look(key, from)
	end
end
`;

/**
 * KEYS: at most a slice. ARGV: how many bytes of the tail. For each key four values: expiry in milliseconds (-1 none, -2
 * gone), idle seconds (-1 unknown, as under LFU), and the two of \`look\`.
 */
export const DESCRIBE = `${TELL}
local from = '-' .. ARGV[1]
local told = {}
for i, key in ipairs(KEYS) do tell(told, 4 * i - 4, key, from) end
return told
`;

/**
 * The same of the keys that one step of SCAN finds, so that their names go over the wire once and those of foreign keys not at
 * all. ARGV: cursor, count, a pattern or nothing, then for each namespace its prefix, or nothing for 32 hexadecimal digits, and
 * the bytes of the tail. Answers the next cursor, and the key and the four values of each as one MessagePack array. Not for a Cluster, whose
 * scripts may only name keys of one slot.
 */
export const SCAN_AND_DESCRIBE = `${TELL}
local step
if ARGV[3] == '' then
	step = call('SCAN', ARGV[1], 'COUNT', ARGV[2])
else
	step = call('SCAN', ARGV[1], 'MATCH', ARGV[3], 'COUNT', ARGV[2])
end
local forms, lengths, tails = {}, {}, {}
for i = 4, #ARGV, 2 do
	forms[#forms + 1] = ARGV[i]
	lengths[#lengths + 1] = #ARGV[i]
	tails[#tails + 1] = '-' .. ARGV[i + 1]
end
local sub, find, count = string.sub, string.find, #forms
local told, at = {}, 0
for _, key in ipairs(step[2]) do
	for i = 1, count do
		local own
		if lengths[i] == 0 then
			own = #key == 32 and not find(key, '[^0-9a-f]')
		else
			own = sub(key, 1, lengths[i]) == forms[i]
		end
		if own then
			told[at + 1] = key
			tell(told, at + 1, key, tails[i])
			at = at + 5
			break
		end
	end
end
return { step[1], cmsgpack.pack(told) }
`;

/** Whether a key is still what its proof says: expiry, length and the hash of its last bytes. */
const IS_SAME = `
local sha1hex, sub, tonumber = redis.sha1hex, string.sub, tonumber
local function same(key, expires, proof, at)
	if expires ~= proof[at] and (expires < ${FAR} or proof[at] ~= ${FAR}) then return false end
	local tail = pcall('GETRANGE', key, proof[at + 1], proof[at + 2])
	if type(tail) ~= 'string' then
		local length
		length, tail = look(key, '-${PROOF_BYTES}')
		if length ~= -1 - tonumber(proof[at + 2]) then return false end
	elseif #tail ~= proof[at + 3] then
		return false
	end
	return tonumber(sub(sha1hex(tail), 1, ${PROOF_DIGITS}), 16) == proof[at + 4]
end
`;

/**
 * KEYS: on a Cluster, at most a slice; elsewhere none. ARGV: the moment, by the server's clock in milliseconds, after which
 * nothing is done any more (a call that was given up must not work later); 1 to remove, 0 to only look; the proofs; and where
 * there are no KEYS, the keys. Both are MessagePack, which costs server and client less than as many arguments. A proof is of
 * five values: expiry; where the last bytes begin, and the size, as texts; how many bytes that are; their hash.
 * Answers a digit for each key: 0 gone, 1 what it was and, if so asked, removed, 2 another one by now; or LATE. Looking and
 * removing are one step: no other client comes between.
 *
 * The bytes from there up to one beyond the size tell the length too: a longer value gives one more, a shorter one less.
 * Two calls a key are all there are, since the calls are what takes the time.
 */
export const REMOVE = `${LOOK}${IS_SAME}
local time = call('TIME')
if time[1] * 1000 + time[2] / 1000 > tonumber(ARGV[1]) then return 'LATE' end
local proofs = cmsgpack.unpack(ARGV[3])
local keys = ARGV[4] and cmsgpack.unpack(ARGV[4]) or KEYS
local outcomes, doomed, count = {}, {}, 0
for i = 1, #keys do
	local key = keys[i]
	local expires = call('PEXPIRETIME', key)
	if expires == -2 then
		outcomes[i] = '0'
	elseif same(key, expires, proofs, 5 * i - 4) then
		outcomes[i] = '1'
		count = count + 1
		doomed[count] = key
	else
		outcomes[i] = '2'
	end
end
if ARGV[2] == '1' and count > 0 then call('UNLINK', unpack(doomed)) end
return table.concat(outcomes)
`;

/**
 * KEYS: one. ARGV: the proof that it must fit, as in REMOVE, empty for any; its time to live in milliseconds; the value. Answers
 * the length that is stored then, or CHANGED. Looking and writing are one step.
 */
export const WRITE = `${LOOK}${IS_SAME}
if ARGV[1] ~= '' and not same(KEYS[1], call('PEXPIRETIME', KEYS[1]), cmsgpack.unpack(ARGV[1]), 1) then return 'CHANGED' end
call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return tostring(call('STRLEN', KEYS[1]))
`;
