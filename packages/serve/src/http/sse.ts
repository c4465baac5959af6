/** What keeps a stream alive while nothing is said, and how long a reader may stand still. */
export interface SseTimes {
  /** Milliseconds without an event after which a comment is sent. */
  readonly ping: number;
  /** Milliseconds that a reader may take for what was sent; then it is gone. */
  readonly stall: number;
}

export const SSE_TIMES: SseTimes = { ping: 15_000, stall: 60_000 };

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  // Proxies must neither keep events back nor compress them into blocks.
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** One event: the data as a line, and for clients that look at it, its name. */
export const sseEvent = (data: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;

/**
 * A response that sends events as they come, one write each. The events are asked for as the client reads them, so that
 * a slow one keeps nothing but its own; a client that goes away, or stands still for too long, ends them.
 */
export function sseResponse(
  events: AsyncGenerator<string, void>,
  onError: (error: unknown) => string,
  { ping, stall }: SseTimes = SSE_TIMES,
): Response {
  const utf8 = new TextEncoder();
  let upcoming: Promise<IteratorResult<string, void>> | undefined;
  let standing: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    clearTimeout(standing);
    // What the generator holds is freed; nobody hears its last words.
    events.return().catch(() => undefined);
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(standing);
      try {
        upcoming ??= events.next();
        const next = await within(upcoming, ping);
        if (next === undefined) controller.enqueue(utf8.encode(": \n\n"));
        else {
          upcoming = undefined;
          if (next.done) return controller.close();
          controller.enqueue(utf8.encode(next.value));
        }
        standing = setTimeout(() => {
          controller.error(new Error("the client reads nothing"));
          end();
        }, stall);
      } catch (error) {
        controller.enqueue(utf8.encode(onError(error)));
        controller.close();
      }
    },
    cancel: end,
  });
  return new Response(body, { headers: HEADERS });
}

/** The value, or undefined where it is not there in time. */
async function within<T>(value: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}
