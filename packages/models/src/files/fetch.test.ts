import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchFiles, readJson } from "./index.ts";

const MIB = 2 ** 20;
const big = Uint8Array.from({ length: 40 * MIB }, (_, k) => (k * 31) >>> 4);
const contents: Readonly<Record<string, Uint8Array>> = {
  "/m/config.json": new TextEncoder().encode("{}"),
  "/m/sub/a%23b": Uint8Array.of(1, 2, 3),
  "/m/empty": new Uint8Array(),
  "/m/big": big,
};

let server: Server;
let address: string;
let requests: string[] = [];
let ranges = true;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.url ?? "");
    const bytes = contents[request.url ?? ""];
    if (request.url === "/m/page") return response.setHeader("content-type", "text/html").end("<html>");
    if (request.url === "/m/broken") return response.writeHead(500).end();
    const status = /^\/m\/absent[.](\d+)$/.exec(request.url ?? "")?.[1];
    if (!bytes) return response.writeHead(Number(status ?? 404)).end();
    if (!ranges) return response.end(bytes);
    const [from = 0, to = 0] = (request.headers.range ?? "").match(/\d+/g)?.map(Number) ?? [];
    const end = Math.min(to + 1, bytes.byteLength);
    if (from >= end) return response.writeHead(416, { "content-range": `bytes */${bytes.byteLength}` }).end();
    response.writeHead(206, { "content-range": `bytes ${from}-${end - 1}/${bytes.byteLength}` });
    return response.end(bytes.subarray(from, end));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m`;
});
afterAll(() => server.close());

describe.each([true, false])("fetchFiles, a server that knows ranges: %s", (known) => {
  beforeAll(() => {
    ranges = known;
  });

  test("reads anywhere, also across blocks", async () => {
    const source = await fetchFiles(address).open("big");
    expect(source?.size).toBe(big.byteLength);
    for (const [offset, length] of [
      [0, 8],
      [16 * MIB - 3, 7],
      [5, 36 * MIB],
      [40 * MIB - 1, 1],
      [40 * MIB, 0],
    ] as const)
      expect(
        Buffer.compare((await source!.read(offset, length)) as Buffer, big.slice(offset, offset + length)),
      ).toBe(0);
    await expect(source!.read(40 * MIB, 1)).rejects.toThrow("the file has 41943040 bytes");
  });

  test("several reads at once get their own bytes", async () => {
    const source = await fetchFiles(address).open("big");
    const offsets = [30 * MIB, 3, 20 * MIB, 35 * MIB, 17];
    const parts = await Promise.all(offsets.map((offset) => source!.read(offset, 4)));
    expect(parts).toEqual(offsets.map((offset) => big.slice(offset, offset + 4)));
  });

  test("a small file takes one request, and names are encoded", async () => {
    requests = [];
    const files = fetchFiles(`${address}/`);
    const source = await files.open("sub/a#b");
    expect(await source!.read(1, 2)).toEqual(Uint8Array.of(2, 3));
    expect(await source!.read(0, 1)).toEqual(Uint8Array.of(1));
    expect(requests).toEqual(["/m/sub/a%23b"]);
    await expect(files.open("../x")).rejects.toThrow("is not a file name inside");
  });

  test("missing and empty files", async () => {
    const files = fetchFiles(address);
    expect(await files.open("absent")).toBeUndefined();
    // What servers of single-page apps send for anything they do not have.
    expect(await files.open("page")).toBeUndefined();
    expect((await files.open("empty"))?.size).toBe(0);
    // S3 forbids what is not there to whoever may not list; others say that it is gone, or that the name is bad.
    for (const status of [400, 403, 410]) expect(await files.open(`absent.${status}`)).toBeUndefined();
    for (const [name, answer] of [
      ["absent.403", "403"],
      ["absent", "404"],
      ["page", "with a page"],
    ])
      await expect(readJson(files, name!, { required: true })).rejects.toThrow(
        `'${address}/' has no ${name} (the server answers ${answer}); download it`,
      );
  });
});

describe("fetchFiles, failures", () => {
  test("say the address and the reason", async () => {
    await expect(fetchFiles(address).open("broken")).rejects.toThrow("/m/broken (the server answers 500)");
    await expect(fetchFiles("http://127.0.0.1:1/m").open("a")).rejects.toThrow(
      "cannot fetch http://127.0.0.1:1/m/a",
    );
    expect(() => fetchFiles("models/tales")).toThrow("'models/tales' is not the address of a folder");
    expect(() => fetchFiles("file:///models")).toThrow("is not the address of a folder");
  });

  test.each([
    ["size", (version: number) => ({ size: 20 * MIB + version, tag: "a" })],
    ["entity tag", (version: number) => ({ size: 20 * MIB, tag: String(version) })],
  ])("a file that gets another %s while it is read", async (_, contentOf) => {
    let version = 0;
    const files = fetchFiles("https://example.org/m", {
      fetch: async (_url, { headers }) => {
        const { size, tag } = contentOf(version++);
        const [from = 0, to = 0] = (new Headers(headers).get("range")?.match(/\d+/g) ?? []).map(Number);
        const end = Math.min(to, size - 1);
        const range = `bytes ${from}-${end}/${size}`;
        return new Response(new Uint8Array(end + 1 - from), {
          status: 206,
          headers: { "content-range": range, etag: tag },
        });
      },
    });
    const source = await files.open("a");
    expect((await source!.read(0, 1)).length).toBe(1);
    await expect(source!.read(18 * MIB, 1)).rejects.toThrow("has changed while it was read");
  });

  test("a server elsewhere that hides Content-Range", async () => {
    const files = fetchFiles("https://example.org/m", {
      fetch: async () => new Response(new Uint8Array(2), { status: 206 }),
    });
    await expect(files.open("a")).rejects.toThrow("Access-Control-Expose-Headers");
  });
});
