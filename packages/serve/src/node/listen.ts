import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import type { Hono } from "hono";

export interface ListenOptions {
  /** A free one where 0. */
  readonly port: number;
  readonly host: string;
}

/** A server that takes requests. */
export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Takes no more connections, and resolves when those there are have ended. */
  close(): Promise<void>;
  /** Ends all connections now. */
  kill(): void;
}

/** Milliseconds for a request's headers and for all of it: who is slower holds a connection for nothing. */
const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16_384,
};

/** Serves an app by HTTP/1.1. */
export function listen(app: Hono, { port, host }: ListenOptions): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: host, serverOptions: TIMEOUTS });
    server.on("error", reject);
    server.on("listening", () => {
      const { port: taken } = server.address() as AddressInfo;
      resolve({
        url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}`,
        port: taken,
        close: () => new Promise((done) => void server.close(() => done())),
        kill: () => "closeAllConnections" in server && server.closeAllConnections(),
      });
    });
  });
}
