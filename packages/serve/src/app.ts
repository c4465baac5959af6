import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { anthropicRoutes } from "./anthropic/routes.ts";
import { HttpError, openaiError } from "./http/errors.ts";
import { type GuardOptions, guard } from "./http/guard.ts";
import { createServer, type ServerOptions } from "./http/server.ts";
import { openaiRoutes } from "./openai/routes.ts";
import { tgiRoutes } from "./tgi/routes.ts";

export interface AppOptions extends ServerOptions, Omit<GuardOptions, "open"> {
  /** Whether /metrics and /v1/models need no key, as gateways ask for them without one. */
  readonly openMetrics?: boolean;
}

/** Bytes of a body at most (TGI's payload_limit). */
const BODY = 2_000_000;

/** The routes as a fetch handler: the same in Node, Deno, Bun and a browser's worker. */
export function createApp(options: AppOptions): Hono {
  const server = createServer(options);
  const app = new Hono();
  app.onError((error, c) => {
    const failure = server.failure(c, error);
    return c.json(openaiError(failure), failure.status, { ...failure.headers });
  });
  app.notFound((c) =>
    c.json(openaiError({ status: 404, message: `there is no ${c.req.method} ${c.req.path}` }), 404),
  );
  app.use(async (c, next) => {
    await next();
    c.res.headers.set("x-request-id", requestId(c.req.header("x-request-id")));
  });
  const open = ["/health", "/ping", ...(options.openMetrics ? ["/metrics", "/v1/models"] : [])];
  app.use(guard({ apiKeys: options.apiKeys, hosts: options.hosts, open }));
  app.use(
    bodyLimit({
      maxSize: BODY,
      onError: () => {
        // The rest of the body is not read, so that the connection cannot carry another request.
        const headers = { connection: "close" };
        throw new HttpError({ status: 413, message: `the body is larger than ${BODY} bytes`, headers });
      },
    }),
  );
  for (const path of ["/health", "/ping"])
    app.get(path, (c) => {
      const status = server.status();
      return c.json({ status }, status === "ok" ? 200 : 503);
    });
  app.get("/metrics", (c) =>
    c.text(server.metrics(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
  app.route("/v1", openaiRoutes(server));
  app.route("/v1", anthropicRoutes(server));
  app.route("/", tgiRoutes(server));
  return app;
}

/** The client's own name for its request, where it is one that can stand in a log. */
const requestId = (given: string | undefined): string =>
  given !== undefined && /^[\w.-]{1,128}$/.test(given) ? given : crypto.randomUUID();
