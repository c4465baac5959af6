import { Hono } from "hono";
import type { Failure } from "../http/errors.ts";
import { checkModel } from "../http/model.ts";
import type { Server } from "../http/server.ts";
import { sseEvent, sseResponse } from "../http/sse.ts";
import { message } from "./messages.ts";

const TYPES: Readonly<Record<Failure["status"], string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  503: "overloaded_error",
};

/** The body that Anthropic's clients read. */
const anthropicError = ({ status, message: text }: Failure) => ({
  type: "error",
  error: { type: TYPES[status], message: text },
});

/** The route of Anthropic's Messages API, below /v1. */
export function anthropicRoutes(server: Server): Hono {
  const app = new Hono();
  app.onError((error, c) => {
    const failure = server.failure(c, error);
    return c.json(anthropicError(failure), failure.status, { ...failure.headers });
  });
  app.post("/messages", async (c) => {
    const model = server.ready();
    const body = await server.body(c);
    checkModel(body, model);
    const answer = await message(body, model, server.asking(c));
    if (!answer.stream) return c.json(await answer.whole());
    const onError = (error: unknown) => sseEvent(anthropicError(server.failure(c, error)), "error");
    return sseResponse(answer.events(), onError, server.times);
  });
  return app;
}
