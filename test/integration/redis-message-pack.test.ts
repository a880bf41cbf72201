import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { packed, unpacked } from "../../src/backends/redis/message-pack.js";
import { type RedisServer, redisPrograms, startRedis } from "../testkit/redis.js";

const NUMBERS = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 1_790_000_000_123, 2 ** 52, -1, -32, -33, -128, -129];
const MORE_NUMBERS = [-32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 52)];
const LENGTHS = [0, 1, 31, 32, 255, 256, 65_535, 65_536];

for (const program of await redisPrograms())
	describe(`what scripts and this program pack for each other, on ${program}`, () => {
		let redis: RedisServer;
		beforeAll(async () => {
			redis = await startRedis({ program });
		});
		afterAll(() => redis.stop());

		const fromServer = async (script: string, ...args: (string | number | Buffer)[]): Promise<readonly (number | Buffer)[]> =>
			unpacked((await redis.client.callBuffer("EVAL", script, "0", ...args)) as Buffer);

		it("numbers up to 2^52 and bytes of any length are what they were", async () => {
			const numbers = [...NUMBERS, ...MORE_NUMBERS];
			const script = "local all = {} for i, number in ipairs(ARGV) do all[i] = tonumber(number) end return cmsgpack.pack(all)";
			expect(await fromServer(script, ...numbers)).toEqual(numbers);
			const texts = LENGTHS.map((length) => Buffer.alloc(length, Buffer.from([0, 0xff, 0xc1, 0x80])));
			expect(await fromServer("return cmsgpack.pack(ARGV)", ...texts)).toEqual(texts);
			for (const count of [0, 1, 15, 16, 65_536]) {
				const counted = `local all = {} for i = 1, ${count} do all[i] = i end return cmsgpack.pack(all)`;
				expect(await fromServer(counted)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
			}
		});

		it("a script unpacks what was packed here", async () => {
			const values = ["", "short", "新闻", "x".repeat(70_000), "stock:S1:0123456789abcdef"];
			expect(await fromServer("return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))", packed(values))).toEqual(
				values.map((value) => Buffer.from(value)),
			);
			expect(await fromServer("return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))", packed(NUMBERS))).toEqual(NUMBERS);
		});

		it("refuses what is cut off or of another kind", () => {
			expect(() => unpacked(Buffer.alloc(0))).toThrow(/outside|out of range|beyond/);
			expect(() => unpacked(Buffer.from([0x92, 0x01]))).toThrow(/outside|out of range|beyond/);
			expect(() => unpacked(Buffer.from([0x91, 0xa5, 0x61]))).toThrow(/outside|out of range|beyond/);
			expect(() => unpacked(Buffer.from([0x91, 0xc0]))).toThrow("neither text nor whole number: 192");
			expect(() => unpacked(Buffer.from([0x81]))).toThrow("no array: 129");
		});
	});
