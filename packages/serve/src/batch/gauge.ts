/** When a text was admitted and got its first token. */
export interface Gauge {
  mark(moment: "admitted" | "first"): void;
  /** Milliseconds of each phase, up to now. */
  times(): { readonly queue_ms: number; readonly prefill_ms: number; readonly decode_ms: number };
}

export function createGauge(): Gauge {
  const asked = performance.now();
  let admitted: number | undefined;
  let first: number | undefined;
  return {
    mark(moment) {
      if (moment === "admitted") admitted = performance.now();
      else first = performance.now();
    },
    times() {
      const now = performance.now();
      const start = admitted ?? now;
      const spoke = first ?? now;
      return { queue_ms: start - asked, prefill_ms: spoke - start, decode_ms: now - spoke };
    },
  };
}
