/** For tests alone: two ends of a channel in one thread. What crosses is cloned, as between threads. */
import type { Port } from "../remote/port.ts";

/** What hosts have and the language alone does not. */
const { structuredClone } = globalThis as unknown as {
  structuredClone(value: unknown, options: { readonly transfer: ArrayBuffer[] }): unknown;
};

interface End extends Port {
  /** As if the thread behind it had ended. */
  fail(reason: string): void;
}

export function createPorts(): readonly [End, End] {
  const listeners: ((message: unknown) => void)[][] = [[], []];
  const end = (here: 0 | 1, there: 0 | 1): End => {
    const failures: ((reason: string) => void)[] = [];
    return {
      post(message, transfer) {
        const copy = structuredClone(message, { transfer });
        void Promise.resolve().then(() => {
          for (const listener of listeners[there]!) listener(copy);
        });
      },
      onMessage: (listener) => void listeners[here]!.push(listener),
      onFailure: (listener) => void failures.push(listener),
      close() {},
      fail(reason) {
        for (const listener of failures) listener(reason);
      },
    };
  };
  return [end(0, 1), end(1, 0)];
}
