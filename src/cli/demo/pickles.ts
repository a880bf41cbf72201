/**
 * Pickles as the field's programs wrote them: a pandas data frame, a text, a dict. The symbol in them can be changed; the
 * frame that holds everything says its own length (pickle protocol 4: opcode 0x95, eight bytes).
 */
const SAMPLES = {
	stock_data: {
		symbol: "AMZN",
		bytes:
			"gASVLgQAAAAAAAB9lCiMBGRhdGGUjAZwYW5kYXOUjAlEYXRhRnJhbWWUk5QpgZR9lCiMBF9tZ3KUjB5wYW5kYXMuY29yZS5pbnRlcm5hbHMubWFuYWdlcnOUjAxCbG9ja01hbmFnZXKUk5SMFnBhbmRhcy5fbGlicy5pbnRlcm5hbHOUjA9fdW5waWNrbGVfYmxvY2uUk5SMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsBSwKGlGgRjAVkdHlwZZSTlIwCZjiUiYiHlFKUKEsDjAE8lE5OTkr/////Sv////9LAHSUYolDEAAAAAAAAPg/AAAAAAAABECUdJRijAhidWlsdGluc5SMBXNsaWNllJOUSwBLAUsBh5RSlEsCh5RSlGgNjBNwYW5kYXMuX2xpYnMuYXJyYXlzlIwcX19weXhfdW5waWNrbGVfTkRBcnJheUJhY2tlZJSTlIwNcGFuZGFzLmFycmF5c5SMC1N0cmluZ0FycmF5lJOUSh8G8QROh5RSlGgCjAtTdHJpbmdEdHlwZZSTlIwGcHl0aG9ulEd/+AAAAAAAAIaUUpRoEGgTSwCFlGgVh5RSlChLAUsChZRoGowCTziUiYiHlFKUKEsDjAF8lE5OTkr/////Sv////9LP3SUYoldlCiMCjIwMjUtMDEtMDGUjAoyMDI1LTAxLTAylGV0lGKGlGJoJEsBSwJLAYeUUpRLAoeUUpSGlF2UKIwYcGFuZGFzLmNvcmUuaW5kZXhlcy5iYXNllIwKX25ld19JbmRleJSTlGgCjAVJbmRleJSTlH2UKGgBaCtoLkofBvEEToeUUpRoMmgzR3/4AAAAAAAAhpRSlGgQaBNLAIWUaBWHlFKUKEsBSwKFlGg8iV2UKIwFY2xvc2WUjARkYXRllGV0lGKGlGKMBG5hbWWUTnWGlFKUaExoAowKUmFuZ2VJbmRleJSTlH2UKGhdTowFc3RhcnSUSwCMBHN0b3CUSwKMBHN0ZXCUSwF1hpRSlGWGlFKUjARfdHlwlIwJZGF0YWZyYW1llIwJX21ldGFkYXRhlF2UjAVhdHRyc5R9lIwGX2ZsYWdzlH2UjBdhbGxvd3NfZHVwbGljYXRlX2xhYmVsc5SIc3VijAhtZXRhZGF0YZR9lCiMBnN5bWJvbJSMBEFNWk6UjApzdGFydF9kYXRllGhAjAhlbmRfZGF0ZZRoQYwLZGF0YV9zb3VyY2WUjAh5ZmluYW5jZZSMCWRhdGFfdHlwZZSMCnN0b2NrX2RhdGGUdYwJdGltZXN0YW1wlIwIZGF0ZXRpbWWUjAhkYXRldGltZZSTlEMKB+oLFhU4MgmbDpSFlFKUjAdiYWNrZW5klIwEZmlsZZR1Lg==",
	},
	news: {
		symbol: "601318",
		bytes:
			"gASVzgAAAAAAAAB9lCiMBGRhdGGUjAvmlrDpl7sgdGV4dJSMCG1ldGFkYXRhlH2UKIwGc3ltYm9slIwGNjAxMzE4lIwKc3RhcnRfZGF0ZZSMAJSMCGVuZF9kYXRllGgIjAtkYXRhX3NvdXJjZZSMB2Frc2hhcmWUjAlkYXRhX3R5cGWUjAluZXdzX2RhdGGUdYwJdGltZXN0YW1wlIwIZGF0ZXRpbWWUjAhkYXRldGltZZSTlEMKB+oLFhU4MgmeM5SFlFKUjAdiYWNrZW5klIwEZmlsZZR1Lg==",
	},
	fundamentals: {
		symbol: "META",
		bytes:
			"gASV5gAAAAAAAAB9lCiMBGRhdGGUfZQojAJwZZRHQDVMzMzMzM2MCV9fcHJvdG9fX5RLAXWMCG1ldGFkYXRhlH2UKIwGc3ltYm9slIwETUVUQZSMCnN0YXJ0X2RhdGWUjACUjAhlbmRfZGF0ZZRoCowLZGF0YV9zb3VyY2WUjAdmaW5uaHVilIwJZGF0YV90eXBllIwRZnVuZGFtZW50YWxzX2RhdGGUdYwJdGltZXN0YW1wlIwIZGF0ZXRpbWWUjAhkYXRldGltZZSTlEMKB+oLFhU4Mgmey5SFlFKUjAdiYWNrZW5klIwEZmlsZZR1Lg==",
	},
} as const;

const FRAME_LENGTH_AT = 3;
const SHORT_BINUNICODE = 0x8c;

export function pickleOf(type: keyof typeof SAMPLES, symbol: string): Buffer {
	const sample = SAMPLES[type];
	const bytes = Buffer.from(sample.bytes, "base64");
	const before = shortText(sample.symbol);
	const after = shortText(symbol);
	const at = bytes.indexOf(before);
	const changed = Buffer.concat([bytes.subarray(0, at), after, bytes.subarray(at + before.length)]);
	changed.writeBigUInt64LE(changed.readBigUInt64LE(FRAME_LENGTH_AT) + BigInt(after.length - before.length), FRAME_LENGTH_AT);
	return changed;
}

function shortText(text: string): Buffer {
	const bytes = Buffer.from(text, "utf8");
	return Buffer.concat([Buffer.from([SHORT_BINUNICODE, bytes.length]), bytes]);
}
