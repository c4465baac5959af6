import type { BatchedText, Batcher } from "./batch.ts";
import { type Order, type Port, type Report, sendError } from "./wire.ts";

type Unsaid<R> = R extends Report ? Omit<R, "load"> : never;

/** Lets the other end of a connection use a batch of this thread; see `remoteBatcher`. */
export function hostBatcher(batcher: Batcher, port: Port<Report, Order>): void {
  const texts = new Map<number, { readonly stop: AbortController }>();
  const send = (report: Unsaid<Report>) => port.send({ ...report, load: batcher.load() });

  async function follow(id: number, text: BatchedText): Promise<void> {
    for (;;) {
      const { done, value } = await text.next();
      if (done) return send({ kind: "ended", id, end: value });
      send({ kind: "step", id, step: value });
    }
  }

  port.onMessage((order) => {
    const { id } = order;
    if (order.kind === "leave") return texts.get(id)?.stop.abort();
    const stop = new AbortController();
    texts.set(id, { stop });
    batcher
      .submit({ ...order.request, signal: stop.signal })
      .then((text) => {
        send({ kind: "taken", id });
        return follow(id, text);
      })
      .catch((error: unknown) => send({ kind: "failed", id, error: sendError(error) }))
      .finally(() => texts.delete(id));
  });
  send({ kind: "opened", max_length: batcher.max_length });
}
