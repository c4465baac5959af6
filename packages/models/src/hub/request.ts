import type { HubClient } from "./client.ts";
import { statusError, UnreachableError } from "./errors.ts";

/** An answer whose body arrives piece by piece. Read `chunks` to its end or leave that loop, or else discard it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly chunks: AsyncGenerator<Uint8Array<ArrayBuffer>, void>;
  /** Closes the connection of an answer that will not be read. */
  discard(): Promise<void>;
}

const LONGEST_PAUSE = 30_000;

/** A failure that may pass: a cut connection, silence, an overloaded server. */
class TransientError extends Error {
  readonly pauseMs: number;
  constructor(message: string, pauseMs = 0, cause?: unknown) {
    super(message, { cause });
    this.pauseMs = pauseMs;
  }
}

/** For an answer that is shorter than it should be, say. */
export const transientError = (message: string): Error => new TransientError(message);

/** Runs until there is no passing failure, with growing pauses. `run` calls `progressed` when it has gained something. */
export async function withRetries<T>(
  client: HubClient,
  run: (progressed: () => void) => Promise<T>,
): Promise<T> {
  const { attempts, delayMs } = client.transport;
  let failures = 0;
  for (;;) {
    client.signal?.throwIfAborted();
    try {
      return await run(() => {
        failures = 0;
      });
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      failures++;
      if (failures >= attempts)
        throw new UnreachableError(
          `cannot get '${client.name}' from ${client.endpoint} (${error.message}); check the network and try again, what has arrived is kept`,
          { cause: error },
        );
      // Clients that were cut off together should not come back together.
      const backoff = delayMs * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
      await pause(Math.min(Math.max(backoff, error.pauseMs), LONGEST_PAUSE), client.signal);
    }
  }
}

/** Sends one GET. Answers that are not ok become errors, passing ones or others; `file` is for their text. */
export async function send(
  client: HubClient,
  url: string,
  headers: Readonly<Record<string, string>> = {},
  file?: string,
): Promise<Answer> {
  const { transport, signal, token } = client;
  signal?.throwIfAborted();
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  const silence = watchSilence(transport.timeoutMs, stop);
  const close = () => {
    silence.end();
    signal?.removeEventListener("abort", onAbort);
  };
  const explain = (error: unknown): unknown => {
    if (signal?.aborted) return signal.reason;
    if (silence.tooLong()) return new TransientError(`no data for ${transport.timeoutMs / 1000} s`, 0, error);
    return new TransientError(reasonOf(error), 0, error);
  };
  try {
    // fetch drops the authorization header where it is redirected to another origin. Pages of a list may name one too.
    const own = token !== undefined && new URL(url).origin === new URL(client.endpoint).origin;
    const response = await transport
      .fetch(url, {
        headers: { ...headers, ...(own ? { authorization: `Bearer ${token}` } : {}) },
        signal: stop.signal,
        redirect: "follow",
      })
      .catch((error) => {
        throw explain(error);
      });
    if (!response.ok) {
      await response.body?.cancel().catch(() => {});
      throw passing(response) ?? statusError(client, response.status, response.headers, file);
    }
    return {
      status: response.status,
      headers: response.headers,
      chunks: readChunks(response, silence.heard, explain, close),
      async discard() {
        close();
        await response.body?.cancel().catch(() => {});
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** The whole body. */
export async function readAll(answer: Answer): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of answer.chunks) parts.push(chunk);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function* readChunks(
  response: Response,
  heard: () => void,
  explain: (error: unknown) => unknown,
  close: () => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const reader = response.body?.getReader();
  try {
    while (reader) {
      const { done, value } = await reader.read().catch((error) => {
        throw explain(error);
      });
      if (done) return;
      heard();
      yield value;
    }
  } finally {
    close();
    // Closes the connection where the reader stopped early; after the end it does nothing.
    await reader?.cancel().catch(() => {});
  }
}

function watchSilence(timeoutMs: number, stop: AbortController) {
  let timedOut = false;
  const start = () =>
    setTimeout(() => {
      timedOut = true;
      stop.abort();
    }, timeoutMs);
  let timer = start();
  return {
    heard() {
      clearTimeout(timer);
      timer = start();
    },
    end: () => clearTimeout(timer),
    tooLong: () => timedOut,
  };
}

function passing(response: Response): TransientError | undefined {
  const { status, headers } = response;
  if (status < 500 && status !== 408 && status !== 429) return undefined;
  const seconds = Number(headers.get("retry-after"));
  return new TransientError(`the server answers ${status}`, seconds > 0 ? seconds * 1000 : 0);
}

function reasonOf(error: unknown): string {
  // fetch hides the reason ("fetch failed", "terminated") in its cause.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && "code" in cause) return String(cause.code);
  return cause instanceof Error && cause.message !== "" ? cause.message : "the connection failed";
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener("abort", finish);
  });
}
