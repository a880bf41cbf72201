/**
 * The fair queue in Redis, as Lua scripts, each of which is one step that happens whole or not at all. One hash is the truth:
 * `jobs`, from a job's id to `state|run|number|user`; everything else follows from it, step by step, and is made anew from it by
 * `rebuild`. States: `w` waits, `a` was admitted to the engine, `r` runs.
 *
 * The lists and sets of queue.md are written in the same steps: a job is pending until it runs.
 */
const COMMON = `
local P, V = ARGV[1], ARGV[2]
local JOBS, RING, HELD, LAST, USERS = P..'jobs', P..'ring', P..'held', P..'last', P..'users'
local function waiting(user) return P..'waiting:'..user end
local function pendingOf(user) return V..'user:'..user..':pending' end
local function processingOf(user) return V..'user:'..user..':processing' end
local PENDING = V..'global:pending'
local function read(id)
	local value = redis.call('HGET', JOBS, id)
	if not value then return nil end
	local state, run, number, user = string.match(value, '^(%a)|(%d+)|(%d+)|(.*)$')
	return state, run, number, user
end
local function write(id, state, run, number, user)
	redis.call('HSET', JOBS, id, state..'|'..run..'|'..number..'|'..user)
end
local LIMIT
local function limit()
	LIMIT = LIMIT or tonumber(redis.call('GET', P..'limit') or '3')
	return LIMIT
end
local function held(user) return tonumber(redis.call('HGET', HELD, user) or '0') end
-- A newcomer comes before whoever is served now; others keep the turn that they were served at.
local function join(user, turn)
	if redis.call('LLEN', waiting(user)) == 0 or held(user) >= limit() then return end
	turn = turn or redis.call('HGET', LAST, user) or (tonumber(redis.call('GET', P..'served') or '0') - 0.5)
	redis.call('ZADD', RING, 'NX', turn, user)
end
-- Counted here, and kept once at the end by settle.
local TOTAL, RUNNING = 0, 0
local function settle()
	if TOTAL ~= 0 then redis.call('INCRBY', P..'total', TOTAL) end
	if RUNNING ~= 0 then redis.call('INCRBY', P..'running', RUNNING) end
end
local function hold(user, change)
	TOTAL = TOTAL + change
	local now = redis.call('HINCRBY', HELD, user, change)
	if now <= 0 then redis.call('HDEL', HELD, user) end
	return now
end
local function rest(user)
	if redis.call('LLEN', waiting(user)) > 0 then join(user) return end
	redis.call('ZREM', RING, user)
	if held(user) == 0 then
		redis.call('HDEL', LAST, user)
		redis.call('SREM', USERS, user)
	end
end
local function progress(id, sequence, fields, lives)
	local key = V..'task:'..id..':progress'
	local before = tonumber(redis.call('HGET', key, 'sequence') or '-1')
	if tonumber(sequence) < before then return end
	redis.call('HSET', key, 'sequence', sequence, unpack(fields))
	if tonumber(lives) > 0 then redis.call('EXPIRE', key, lives) else redis.call('PERSIST', key) end
end
`;

const ORDER = `
local function order()
	local users, turns = {}, {}
	local admitted, byUser = {}, {}
	local all = redis.call('HGETALL', JOBS)
	for i = 1, #all, 2 do
		local state, run, number, user = string.match(all[i + 1], '^(%a)|(%d+)|(%d+)|(.*)$')
		if state == 'a' then admitted[#admitted + 1] = { all[i], tonumber(number) } end
		if state == 'w' then
			if not byUser[user] then byUser[user] = {} users[#users + 1] = user end
			byUser[user][#byUser[user] + 1] = { all[i], tonumber(number) }
		end
	end
	local function earlier(a, b) return a[2] < b[2] end
	table.sort(admitted, earlier)
	local served = tonumber(redis.call('GET', P..'served') or '0') - 0.5
	for _, user in ipairs(users) do
		table.sort(byUser[user], earlier)
		turns[user] = tonumber(redis.call('ZSCORE', RING, user) or redis.call('HGET', LAST, user) or served)
	end
	table.sort(users, function(a, b) if turns[a] == turns[b] then return a < b end return turns[a] < turns[b] end)
	local ids = {}
	for _, job in ipairs(admitted) do ids[#ids + 1] = job[1] end
	local round, inRing = 1, users
	while #inRing > 0 do
		local more = {}
		for _, user in ipairs(inRing) do
			ids[#ids + 1] = byUser[user][round][1]
			if byUser[user][round + 1] then more[#more + 1] = user end
		end
		round, inRing = round + 1, more
	end
	return ids, byUser, admitted
end
local function fill(key, ids)
	redis.call('DEL', key)
	for from = 1, #ids, 1000 do redis.call('RPUSH', key, unpack(ids, from, math.min(from + 999, #ids))) end
end
`;

/** A step for several jobs in one call: `step` is a Lua function of `width` strings, and there is one answer for each job. */
function together(width: number, step: string): string {
	const given = Array.from({ length: width }, (_, i) => `ARGV[at + ${i}]`).join(", ");
	return `
local function step${step}
local answers = {}
for at = 3, #ARGV, ${width} do answers[#answers + 1] = step(${given}) end
settle()
return answers
`;
}

/** id, run, user, most that may wait (0: no bound); of each job. Answers "new", "there" or "full". */
const push = together(
	4,
	`(id, run, user, most)
	if read(id) then return 'there' end
	most = tonumber(most)
	local running = tonumber(redis.call('GET', P..'running') or '0')
	if most > 0 and redis.call('HLEN', JOBS) - running >= most then return 'full' end
	write(id, 'w', run, redis.call('INCR', P..'number'), user)
	redis.call('SADD', USERS, user)
	redis.call('RPUSH', pendingOf(user), id)
	redis.call('RPUSH', PENDING, id)
	-- Whose jobs wait already has his turn, or gets it when one of his ends.
	if redis.call('RPUSH', waiting(user), id) == 1 then join(user) end
	return 'new'
end`,
);

/** instance:slots, ms that it counts (0: no more), of which kind. By the server's clock, which all share. */
const register = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', P..ARGV[5], '-inf', now)
if tonumber(ARGV[4]) > 0 then redis.call('ZADD', P..ARGV[5], now + tonumber(ARGV[4]), ARGV[3])
else redis.call('ZREM', P..ARGV[5], ARGV[3]) end
return 1
`;

/** The slots of all workers of a kind that are alive. */
const SLOTS = `
local function slots(kind)
	local time, sum = redis.call('TIME'), 0
	for _, member in ipairs(redis.call('ZRANGEBYSCORE', P..kind, time[1] * 1000 + math.floor(time[2] / 1000), '+inf')) do
		sum = sum + tonumber(string.match(member, ':(%d+)$'))
	end
	return sum
end
`;

const capacity = `${SLOTS}
return slots('workers') + slots('part-workers')
`;

/** most to take. Answers id, run, user of each that was admitted, and "1" when its user has no other that was ("0" otherwise). */
const take = `${SLOTS}
local taken = {}
local wanted, count = tonumber(ARGV[3]), 0
local most = slots('workers')
local mostOfNew = most
-- With many slots as many again wait in the engine, which idles otherwise, and beside them whoever has nothing there yet, for the
-- next free slot; with few, each is the next of whoever is to be next.
if most >= 8 then most, mostOfNew = most * 2, most * 3 end
local total = tonumber(redis.call('GET', P..'total') or '0')
local served = tonumber(redis.call('GET', P..'served') or '0')
while count < wanted and total < mostOfNew do
	if total >= most then
		local first = redis.call('ZRANGE', RING, 0, 0)[1]
		if not first or held(first) > 0 then break end
	end
	local user = redis.call('ZPOPMIN', RING)[1]
	if not user then break end
	local id = redis.call('LPOP', waiting(user))
	local state, run, number
	if id then state, run, number = read(id) end
	if state == 'w' then
		write(id, 'a', run, number, user)
		local now = hold(user, 1)
		served = served + 1
		redis.call('HSET', LAST, user, served)
		taken[#taken + 1] = id
		taken[#taken + 1] = run
		taken[#taken + 1] = user
		taken[#taken + 1] = now == 1 and '1' or '0'
		count, total = count + 1, total + 1
	end
	join(user, state == 'w' and served or nil)
end
if count > 0 then redis.call('SET', P..'served', served) end
settle()
return taken
`;

/** id, run; of each job. 1 when that run is the one that counts; it is in the processing set then. */
const start = together(
	2,
	`(id, wanted)
	local state, run, number, user = read(id)
	if not state or run ~= wanted then return 0 end
	if state == 'r' then return 1 end
	if state == 'w' then
		redis.call('LREM', waiting(user), 1, id)
		hold(user, 1)
		rest(user)
	end
	write(id, 'r', run, number, user)
	RUNNING = RUNNING + 1
	redis.call('LREM', pendingOf(user), 1, id)
	redis.call('LREM', PENDING, 1, id)
	redis.call('SADD', processingOf(user), id)
	return 1
end`,
);

const LEAVE = `
local function leave(id, state, user)
	redis.call('HDEL', JOBS, id)
	if state == 'r' then
		RUNNING = RUNNING - 1
		redis.call('SREM', processingOf(user), id)
	else
		redis.call('LREM', pendingOf(user), 1, id)
		redis.call('LREM', PENDING, 1, id)
	end
	if state == 'w' then redis.call('LREM', waiting(user), 1, id)
	else
		local now = hold(user, -1)
		-- Who was below his limit has his turn already.
		if now > 0 and now + 1 < limit() then return end
	end
	rest(user)
end
`;

/** id, run ("": whichever); of each job. May be repeated. 1 when it was there. */
const finish =
	LEAVE +
	together(
		2,
		`(id, wanted)
	local state, run, number, user = read(id)
	if not state or (wanted ~= '' and run ~= wanted) then return 0 end
	leave(id, state, user)
	return 1
end`,
	);

/** id, value as it was seen, new run: to the front of the user's own. 1 when it stood as it was seen. */
const requeue = `${LEAVE}
local id, seen, again = ARGV[3], ARGV[4], ARGV[5]
local state, run, number, user = read(id)
if not state or (seen ~= '' and state..'|'..run..'|'..number..'|'..user ~= seen) then return 0 end
leave(id, state, user)
write(id, 'w', again, number, user)
redis.call('SADD', USERS, user)
redis.call('LPUSH', waiting(user), id)
redis.call('LPUSH', pendingOf(user), id)
redis.call('LPUSH', PENDING, id)
join(user)
settle()
return 1
`;

/** id, sequence, seconds it still lives (0: for good), fields and values. An older state never comes over a newer one. */
const tell = `
local fields = {}
for i = 6, #ARGV do fields[#fields + 1] = ARGV[i] end
progress(ARGV[3], ARGV[4], fields, ARGV[5])
return 1
`;

/** Puts all that waits into the order in which it will start. */
const arrange = `${ORDER}
fill(PENDING, (order()))
return 1
`;

/** Makes everything anew from the hash of jobs. 1 when something was not as it should be. */
const rebuild = `${ORDER}
local ids, byUser, admitted = order()
local all, seen, wrong = redis.call('HGETALL', JOBS), {}, 0
local running, total, helds, processing, pending = 0, 0, {}, {}, {}
for _, job in ipairs(admitted) do
	local _, _, _, user = read(job[1])
	pending[user] = pending[user] or {}
	table.insert(pending[user], job[1])
end
for user, jobs in pairs(byUser) do
	seen[user] = true
	pending[user] = pending[user] or {}
	for _, job in ipairs(jobs) do table.insert(pending[user], job[1]) end
end
for i = 1, #all, 2 do
	local state, _, _, user = string.match(all[i + 1], '^(%a)|(%d+)|(%d+)|(.*)$')
	seen[user] = true
	if state ~= 'w' then total = total + 1 helds[user] = (helds[user] or 0) + 1 end
	if state == 'r' then
		running = running + 1
		processing[user] = processing[user] or {}
		table.insert(processing[user], all[i])
	end
end
for _, user in ipairs(redis.call('SMEMBERS', USERS)) do
	if not seen[user] then
		wrong = wrong + redis.call('DEL', waiting(user), pendingOf(user), processingOf(user))
		redis.call('SREM', USERS, user)
		redis.call('ZREM', RING, user)
		redis.call('HDEL', LAST, user)
		redis.call('HDEL', HELD, user)
	end
end
local function differs(list, ids)
	if #list ~= #ids then return true end
	local there = {}
	for _, id in ipairs(list) do there[id] = true end
	for _, id in ipairs(ids) do if not there[id] then return true end end
	return false
end
for user in pairs(seen) do
	redis.call('SADD', USERS, user)
	local waits = {}
	for _, job in ipairs(byUser[user] or {}) do waits[#waits + 1] = job[1] end
	if differs(redis.call('LRANGE', waiting(user), 0, -1), waits) then wrong = 1 fill(waiting(user), waits) end
	if differs(redis.call('LRANGE', pendingOf(user), 0, -1), pending[user] or {}) then wrong = 1 fill(pendingOf(user), pending[user] or {}) end
	local runs = processing[user] or {}
	if differs(redis.call('SMEMBERS', processingOf(user)), runs) then
		wrong = 1
		redis.call('DEL', processingOf(user))
		if #runs > 0 then redis.call('SADD', processingOf(user), unpack(runs)) end
	end
	if (helds[user] or 0) ~= held(user) then
		wrong = 1
		redis.call('HDEL', HELD, user)
		if helds[user] then redis.call('HSET', HELD, user, helds[user]) end
	end
	if held(user) >= limit() then redis.call('ZREM', RING, user) else join(user) end
end
redis.call('SET', P..'total', total)
redis.call('SET', P..'running', running)
fill(PENDING, ids)
return wrong
`;

/** job, attempt, ms: parts of this attempt may be worked on for so long. 0 when a later attempt has begun. */
const openFlow = `
local key = P..'flow:'..ARGV[3]
local now = tonumber(redis.call('GET', key) or '-1')
if now > tonumber(ARGV[4]) then return 0 end
redis.call('SET', key, ARGV[4], 'PX', ARGV[5])
return 1
`;

/** job, attempt. */
const closeFlow = `
local key = P..'flow:'..ARGV[3]
if redis.call('GET', key) == ARGV[4] then return redis.call('DEL', key) end
return 0
`;

const BODIES = { push, register, capacity, take, start, finish, requeue, tell, arrange, rebuild, openFlow, closeFlow };
export type FairScript = keyof typeof BODIES;

/** Every script by its name. The first two arguments are the two prefixes: of the queue's own keys, and of the views. */
export const FAIR_SCRIPTS = Object.fromEntries(Object.entries(BODIES).map(([name, body]) => [name, COMMON + body])) as Readonly<
	Record<FairScript, string>
>;
