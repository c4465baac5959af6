import { FusewireError } from "@fusewire/ir";
import type { BatchEnd, BatchedText, BatchStep } from "./batch.ts";
import type { Channel } from "./channel.ts";

/** The reader's side of a text. `forsake` is called once it is read no more, however that comes. */
export function readText(
  channel: Channel<BatchStep, BatchEnd>,
  signal: AbortSignal | undefined,
  forsake: () => void,
): BatchedText {
  let left = false;
  const leave = () => {
    signal?.removeEventListener("abort", aborted);
    if (!left) forsake();
    left = true;
  };
  const aborted = () => {
    leave();
    channel.fail(signal?.reason);
  };
  signal?.addEventListener("abort", aborted, { once: true });
  async function* steps(): BatchedText {
    try {
      for (;;) {
        const { done, value } = await channel.next();
        if (done) return value;
        yield value;
      }
    } finally {
      leave();
    }
  }
  const text = steps();
  const end = text.return.bind(text);
  return Object.assign(text, {
    /** Leaves a text as well that was never read from, or is awaited at this moment. */
    return(value: BatchEnd | PromiseLike<BatchEnd>) {
      leave();
      channel.fail(new FusewireError("the text was left before its end"));
      return end(value);
    },
  });
}
