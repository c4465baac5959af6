/** Work for the queue in the order of calls, also where some of it first waits for its memory to be checked. */
export interface Order {
  /** Calls `body` at once where there is nothing to wait for, and else when all conditions hold. */
  enqueue<T>(conditions: readonly (Promise<void> | undefined)[], body: () => T): Promise<T>;
}

export function createOrder(): Order {
  /** Settles when the last piece that had to wait is done. */
  let last: Promise<void> | undefined;
  return {
    async enqueue(conditions, body) {
      const open = conditions.filter((condition) => condition !== undefined);
      if (open.length === 0 && !last) return body();
      const mine = (last ?? Promise.resolve()).then(() => Promise.all(open)).then(body);
      const settled: Promise<void> = mine
        .then(
          () => undefined,
          () => undefined,
        )
        .then(() => {
          if (last === settled) last = undefined;
        });
      last = settled;
      return mine;
    },
  };
}
