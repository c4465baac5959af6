import type { Context } from "hono";
import type { BatchedText } from "../batch/batch.ts";
import { createMetrics, type Metrics } from "../metrics/metrics.ts";
import type { Asking } from "../requests/asking.ts";
import type { ServedModel } from "../served_model.ts";
import { type Failure, failureOf, HttpError } from "./errors.ts";
import { SSE_TIMES, type SseTimes } from "./sse.ts";

export interface ServerOptions {
  /** The model, once it is loaded. Until then, and while the server drains, requests are told to come back. */
  readonly served: () => ServedModel | undefined;
  readonly draining?: () => boolean;
  /** Is told of failures that are not the client's. */
  readonly log?: (message: string, error: unknown) => void;
  readonly times?: SseTimes;
}

/** What the routes have in common. */
export interface Server {
  readonly times: SseTimes;
  /** Whether the model is there and takes requests. */
  status(): "ok" | "loading" | "draining";
  /** The model, or an error that says when to come back. */
  ready(): ServedModel;
  /** The body of a request as JSON. */
  body(c: Context): Promise<unknown>;
  /** A request, and its way to the batch. */
  asking(c: Context): Asking;
  /** What an error means to the client; it is counted, and where it is the server's own, logged. */
  failure(c: Context, error: unknown): Failure;
  /** The text of /metrics. */
  metrics(): string;
}

export function createServer({
  served,
  draining = () => false,
  log,
  times = SSE_TIMES,
}: ServerOptions): Server {
  let metrics: Metrics | undefined;

  function ready(): ServedModel {
    const model = served();
    const why = draining() ? "the server is shutting down" : "the model is loading";
    if (!model || draining())
      throw new HttpError({
        ...{ status: 503, message: why },
        headers: { "retry-after": "1", connection: "close" },
      });
    metrics ??= createMetrics(model.id);
    return model;
  }

  return {
    times,
    ready,
    status: () => (draining() ? "draining" : served() ? "ok" : "loading"),
    async body(c) {
      const text = await c.req.text();
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new HttpError({ status: 400, message: `the body is no JSON: ${(error as Error).message}` });
      }
    },
    asking: (c) => ({
      id: crypto.randomUUID().replaceAll("-", ""),
      created: Math.floor(Date.now() / 1000),
      async submit({ batcher }, prompts) {
        const { signal } = c.req.raw;
        const texts: BatchedText[] = [];
        try {
          for (const { tokens, options, user = "" } of prompts)
            texts.push(
              await batcher.submit({ tokens, options, tenant: `${c.get("tenant")}/${user}`, signal }),
            );
          return texts;
        } catch (error) {
          for (const text of texts) await text.return(undefined as never);
          throw error;
        }
      },
      finished: (ends) => {
        for (const end of ends) metrics?.ended(end, end.finish === "length" ? "length" : "stop");
      },
    }),
    failure(c, error) {
      const failure = failureOf(error);
      metrics?.refused(REASONS[failure.status] ?? "invalid");
      if (failure.status === 500) log?.(`${c.req.method} ${c.req.path}`, error);
      return failure;
    },
    metrics() {
      const { batcher } = ready();
      return metrics!.text(batcher.load());
    },
  };
}

const REASONS: Readonly<Partial<Record<Failure["status"], "overloaded" | "failed">>> = {
  429: "overloaded",
  500: "failed",
  503: "overloaded",
};
