/** What crosses the network when a page is visited again. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createKeeper, type ModelStore } from "../kept/index.ts";
import { memoryStore } from "../kept/testing/memory-store.ts";
import { fetchFiles, readText } from "./index.ts";

const MIB = 2 ** 20;
const big = Uint8Array.from({ length: 40 * MIB }, (_, k) => (k * 31) >>> 4);

let server: Server;
let address: string;
let requests: string[] = [];
let bytes = 0;
let headersOf: () => Record<string, string>;
let ranges = true;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { url = "", method = "" } = request;
    requests.push(`${method} ${url}`);
    const content =
      url === "/m/big" ? big : url === "/m/config.json" ? new TextEncoder().encode("{}") : undefined;
    if (!content) return response.writeHead(404).end();
    for (const [name, value] of Object.entries(headersOf())) response.setHeader(name, value);
    if (method === "HEAD") return response.end();
    const [from = 0, to = 0] = (ranges ? (request.headers.range?.match(/\d+/g) ?? []) : []).map(Number);
    const end = ranges ? Math.min(to + 1, content.byteLength) : content.byteLength;
    bytes += end - from;
    if (ranges)
      response.writeHead(206, { "content-range": `bytes ${from}-${end - 1}/${content.byteLength}` });
    return response.end(content.subarray(from, end));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m`;
});
afterAll(() => server.close());
beforeEach(() => {
  requests = [];
  bytes = 0;
  headersOf = () => ({ etag: 'W/"one"', "cache-control": "no-store" });
  ranges = true;
});

const visit = (store: ModelStore) => fetchFiles(address, { keeper: createKeeper(address, store) });

/** Reads what models read: parts of a file in another order than they lie there, the last of them twice. */
async function readParts(files: ReturnType<typeof visit>): Promise<void> {
  const source = await files.open("big");
  for (const [offset, length] of [
    [30 * MIB, 10 * MIB],
    [0, 8],
    [8, 20 * MIB],
    [20 * MIB + 8, 10 * MIB - 8],
    [3 * MIB, 5],
  ] as const) {
    const found = await source!.read(offset, length);
    expect(Buffer.compare(found as Buffer, big.subarray(offset, offset + length))).toBe(0);
  }
  await source!.close();
}

test.each([
  ["ranges", true],
  ["no ranges", false],
])(
  "each byte crosses the network once, and no more at the next visit: a server that knows %s",
  async (_, known) => {
    ranges = known;
    const store = memoryStore();
    await readParts(visit(store));
    expect(bytes).toBe(big.byteLength);
    requests = [];
    await readParts(visit(store));
    expect(bytes).toBe(big.byteLength);
    expect(requests).toEqual(["HEAD /m/big"]);
  },
);

test("what was cut off goes on where it ended", async () => {
  const store = memoryStore();
  const first = await visit(store).open("big");
  await first!.read(0, 20 * MIB);
  expect(bytes).toBe(32 * MIB);
  await readParts(visit(store));
  expect(bytes).toBe(big.byteLength);
});

test.each([
  ["another ETag", () => ({ etag: '"two"' })],
  ["Last-Modified alone", () => ({ "last-modified": "Tue, 01 Dec 2026 10:00:00 GMT" })],
  ["nothing to tell contents by", () => ({})],
])("another content takes the place of the one before: %s", async (_, other) => {
  const store = memoryStore();
  await readParts(visit(store));
  headersOf = other;
  await readParts(visit(store));
  expect(bytes).toBe(2 * big.byteLength);
  expect(await store.folders()).toHaveLength(1);
});

test("contents that nothing tells apart are not taken from an earlier visit", async () => {
  headersOf = () => ({});
  const store = memoryStore();
  for (const _ of [1, 2]) await readParts(visit(store));
  expect(bytes).toBe(2 * big.byteLength);
});

test("a full store is told, and the bytes stay in memory", async () => {
  const files = visit(memoryStore(20 * MIB));
  await readParts(files);
  expect(bytes).toBe(big.byteLength);
  expect(files.notices?.()).toEqual([
    expect.stringMatching(
      /^some files of .* are not kept, for the browser has no more room.*cache\.delete\(name\)/,
    ),
  ]);
});

test("without a store the reason is told", async () => {
  const keeper = createKeeper(address, { refused: "the page is neither on https nor on localhost" });
  const files = fetchFiles(address, { keeper });
  await readParts(files);
  expect(bytes).toBe(big.byteLength);
  expect(files.notices?.()).toEqual([
    `the files of ${address} are not kept, for the page is neither on https nor on localhost; they are downloaded again at the next visit`,
  ]);
});

test("with cache: false nothing is kept and nothing said; settings are asked for once", async () => {
  const files = fetchFiles(address, { cache: false });
  for (const _ of [1, 2]) expect(await readText(files, "config.json")).toBe("{}");
  expect(requests).toEqual(["GET /m/config.json"]);
  expect(files.notices?.()).toEqual([]);
});
