import type { Rows } from "../rows.ts";
import { type CacheHold, EMPTY_ROW, heldLength } from "./hold.ts";

/** Notes what the cache holds after a forward pass over new tokens, or after one that failed. */
export function noteForward(hold: CacheHold, { rows: fresh, starts }: Rows, finished: boolean): void {
  const past = heldLength(hold);
  const rows = [...hold.rows];
  for (const [b, tokens] of fresh.entries()) {
    const before = rows[b] ?? EMPTY_ROW;
    const ids = [...before.ids.slice(0, before.cached), ...tokens];
    const written = before.cached === 0 ? ids.length : Math.max(before.written, ids.length);
    rows[b] = finished
      ? { ids, cached: ids.length, pads: past + starts[b]! - before.cached, written }
      : { ...before, written };
  }
  hold.rows = rows;
}
