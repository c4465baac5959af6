/** Values that one side pushes and another reads, in order. */
export interface Channel<T, R> extends AsyncIterable<T> {
  push(value: T): void;
  /** Ends it behind what was pushed, with a result. */
  close(result: R): void;
  fail(error: unknown): void;
  /** The next value, or the result. */
  next(): Promise<IteratorResult<T, R>>;
}

export function createChannel<T, R>(): Channel<T, R> {
  const values: T[] = [];
  let end: { readonly result: R } | { readonly error: unknown } | undefined;
  let wake: () => void = () => undefined;
  const told = () => wake();
  const channel: Channel<T, R> = {
    push(value) {
      if (end) return;
      values.push(value);
      told();
    },
    close(result) {
      end ??= { result };
      told();
    },
    fail(error) {
      end ??= { error };
      told();
    },
    async next() {
      for (;;) {
        if (values.length > 0) return { done: false, value: values.shift()! };
        if (end && "error" in end) throw end.error;
        if (end) return { done: true, value: end.result };
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    [Symbol.asyncIterator]: () => channel,
  };
  return channel;
}
