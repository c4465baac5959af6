import type { BatchEnd, Batcher, BatchLoad, BatchStep } from "./batch.ts";
import { type Channel, createChannel } from "./channel.ts";
import { readText } from "./reader.ts";
import { type Order, type Port, type Report, receiveError } from "./wire.ts";

/** A text that the other thread was asked for. */
interface Asked {
  readonly channel: Channel<BatchStep, BatchEnd>;
  readonly taken: () => void;
  readonly refused: (error: unknown) => void;
}

/** The thread in which a batch runs. */
export interface BatchThread {
  readonly port: Port<Order, Report>;
  /** Ends it. */
  close(): Promise<void>;
  /** Resolves with the reason once it has ended by itself: every text fails with that, and every later one. */
  readonly gone: Promise<Error>;
}

/**
 * The batch at the other end of a connection (`hostBatcher`), so that a step of the model holds up nobody here. Resolves
 * once it is open.
 */
export function remoteBatcher({ port, close, gone: whenGone }: BatchThread): Promise<Batcher> {
  const asked = new Map<number, Asked>();
  let next = 0;
  let load: BatchLoad | undefined;
  let gone: Error | undefined;
  let atRest: () => void = () => undefined;

  const finish = (id: number) => {
    asked.delete(id);
    if (asked.size === 0) atRest();
  };
  const lost = (error: Error) => {
    gone ??= error;
    for (const [id, { channel, refused }] of asked) {
      refused(error);
      channel.fail(error);
      finish(id);
    }
  };

  return new Promise((resolve, reject) => {
    void whenGone.then((error) => {
      reject(error);
      lost(error);
    });
    const batcherOf = (max_length: number): Batcher => ({
      max_length,
      load: () => load!,
      async submit({ signal, ...request }) {
        if (gone) throw gone;
        signal?.throwIfAborted();
        const id = next++;
        const channel = createChannel<BatchStep, BatchEnd>();
        await new Promise<void>((taken, refused) => {
          asked.set(id, { channel, taken, refused });
          port.send({ kind: "submit", id, request });
        });
        const text = readText(channel, signal, () => {
          if (asked.has(id)) port.send({ kind: "leave", id });
        });
        // Aborted while the other thread was asked: nobody listened then.
        if (signal?.aborted) void text.return(undefined as never);
        signal?.throwIfAborted();
        return text;
      },
      async idle() {
        while (asked.size > 0)
          await new Promise<void>((done) => {
            atRest = done;
          });
      },
      async dispose() {
        lost(new Error("the batch was disposed"));
        await close();
      },
    });
    port.onMessage((report) => {
      load = report.load;
      switch (report.kind) {
        case "opened":
          return resolve(batcherOf(report.max_length));
        case "taken":
          return asked.get(report.id)?.taken();
        case "step":
          return asked.get(report.id)?.channel.push(report.step);
        case "ended":
          asked.get(report.id)?.channel.close(report.end);
          return finish(report.id);
        case "failed": {
          const error = receiveError(report.error);
          asked.get(report.id)?.refused(error);
          asked.get(report.id)?.channel.fail(error);
          return finish(report.id);
        }
      }
    });
  });
}
