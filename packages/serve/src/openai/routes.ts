import { Hono } from "hono";
import { openaiError } from "../http/errors.ts";
import { checkModel, checkName } from "../http/model.ts";
import type { Server } from "../http/server.ts";
import { sseEvent, sseResponse } from "../http/sse.ts";
import type { Asking } from "../requests/asking.ts";
import type { ServedModel } from "../served_model.ts";
import { type Completion, chatCompletion } from "./chat.ts";
import { completion } from "./completions.ts";

/** OpenAI's routes, below /v1. */
export function openaiRoutes(server: Server): Hono {
  const app = new Hono();
  app.get("/models", (c) => c.json({ object: "list", data: [modelCard(server.ready())] }));
  app.get("/models/:id{.+}", (c) => {
    const model = server.ready();
    checkName(c.req.param("id"), model);
    return c.json(modelCard(model));
  });

  type Make = (body: unknown, served: ServedModel, asking: Asking) => Promise<Completion>;
  const route = (path: string, make: Make) =>
    app.post(path, async (c) => {
      const model = server.ready();
      const body = await server.body(c);
      checkModel(body, model);
      const answer = await make(body, model, server.asking(c));
      if (!answer.stream) return c.json(await answer.whole());
      const onError = (error: unknown) => sseEvent(openaiError(server.failure(c, error)));
      return sseResponse(answer.events(), onError, server.times);
    });
  route("/chat/completions", chatCompletion);
  route("/completions", completion);
  return app;
}

const modelCard = ({ id, created, batcher }: ServedModel) => ({
  ...{ id, object: "model", created, owned_by: "fusewire" },
  max_model_len: batcher.max_length,
});
