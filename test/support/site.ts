/** A web server for tests of pages: it counts what it sends, and cuts connections where it is told to. */

import { existsSync, readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { build } from "vite";

/** What lets a page share memory between threads. */
export const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export interface Site {
  readonly address: string;
  /** Headers of every answer; may be changed. */
  headers: Readonly<Record<string, string>>;
  /** Bytes of bodies sent so far, by path. */
  readonly sent: Map<string, number>;
  /** Cuts the connection once so many bytes of this path have been sent; may be changed. */
  cut: { readonly path: string; readonly bytes: number } | undefined;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/** Builds the page in `root`, and serves what came out beside files in memory, by path. */
export async function serveSite(root: string, files: Readonly<Record<string, Uint8Array>>): Promise<Site> {
  await build({ root, logLevel: "warn" });
  const dist = join(root, "dist");
  const sent = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    const file = join(dist, path === "/" ? "index.html" : path);
    const bytes = files[path] ?? (existsSync(file) && extname(file) ? readFileSync(file) : undefined);
    for (const [name, value] of Object.entries(site.headers)) response.setHeader(name, value);
    if (!bytes) return void response.writeHead(404).end();
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    response.setHeader("etag", `"${bytes.byteLength}"`);
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const [from, to] = range
      ? [Number(range[1]), Math.min(Number(range[2]), bytes.byteLength - 1)]
      : [0, bytes.byteLength - 1];
    if (range) response.writeHead(206, { "content-range": `bytes ${from}-${to}/${bytes.byteLength}` });
    if (request.method === "HEAD") return void response.end();
    send(response, path, bytes.subarray(from, to + 1));
  });
  function send(response: ServerResponse, path: string, body: Uint8Array): void {
    const before = sent.get(path) ?? 0;
    const room = site.cut?.path === path ? Math.max(0, site.cut.bytes - before) : body.byteLength;
    sent.set(path, before + Math.min(room, body.byteLength));
    if (room >= body.byteLength) response.end(body);
    else response.write(body.subarray(0, room), () => response.destroy());
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const site: Site = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    headers: {},
    sent,
    cut: undefined,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return site;
}
