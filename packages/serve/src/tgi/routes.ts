import { type Context, Hono } from "hono";
import type { Server } from "../http/server.ts";
import { sseEvent, sseResponse } from "../http/sse.ts";
import { type TgiAnswer, tgiAnswer } from "./generate.ts";
import { tgiError, tgiHeaders, tgiInfo, tgiTokens } from "./info.ts";

/** The routes of Hugging Face's text-generation-inference, with its fields, defaults and errors. */
export function tgiRoutes(server: Server): Hono {
  const app = new Hono();
  app.onError((error, c) => {
    const failure = server.failure(c, error);
    const { status, body } = tgiError(failure);
    return c.json(body, status, { ...failure.headers });
  });

  const answerOf = async (c: Context) => tgiAnswer(await server.body(c), server.ready(), server.asking(c));
  async function whole(c: Context, answer: TgiAnswer, asList: boolean) {
    const { body, end } = await answer.whole();
    return c.json(asList ? [body] : body, 200, tgiHeaders(end));
  }
  const streamed = (c: Context, answer: TgiAnswer) =>
    sseResponse(answer.events(), (error) => sseEvent(tgiError(server.failure(c, error)).body), server.times);

  app.post("/generate", async (c) => whole(c, await answerOf(c), false));
  app.post("/generate_stream", async (c) => streamed(c, await answerOf(c)));
  app.post("/", async (c) => {
    const answer = await answerOf(c);
    return answer.stream ? streamed(c, answer) : whole(c, answer, true);
  });
  app.post("/tokenize", async (c) => c.json(tgiTokens(await server.body(c), server.ready())));
  app.get("/info", (c) => c.json(tgiInfo(server.ready())));
  return app;
}
