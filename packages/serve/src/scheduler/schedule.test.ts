import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCounters } from "./fair.ts";
import { CHUNKS_A_STEP, nextAction, type SlotWork, type Waiting } from "./schedule.ts";

/** A text that arrives at a tick. */
interface Arrival {
  readonly at: number;
  readonly tenant: string;
  readonly chunks: number;
  readonly tokens: number;
}

interface Row {
  readonly arrival: number;
  readonly order: number;
  chunks: number;
  tokens: number;
  /** Actions since it got a token, or since its prompt was done. */
  waited: number;
}

/** Plays arrivals through the schedule: the order of admission, the longest wait of a text that decodes, ticks used. */
function simulate(arrivals: readonly Arrival[], slots: number) {
  const rows: (Row | undefined)[] = new Array(slots).fill(undefined);
  const queue: Waiting[] = [];
  const counters = createCounters();
  const admitted: number[] = [];
  const finished: number[] = [];
  const tokensOf = new Map<string, number>();
  let worst = 0;
  let chunks = 0;
  let ticks = 0;
  for (; finished.length < arrivals.length; ticks++) {
    if (ticks > 100_000) throw new Error("the schedule stands still");
    for (const [id, { at, tenant }] of arrivals.entries())
      if (at === ticks) {
        const active = [
          ...queue.map((one) => one.tenant),
          ...rows.flatMap((row) => (row ? arrivals[row.arrival]!.tenant : [])),
        ];
        counters.arrive(tenant, active);
        queue.push({ id, tenant });
      }
    const works = rows.map((row): SlotWork => {
      if (!row) return { kind: "free" };
      return row.chunks > 0 ? { kind: "prefill", order: row.order } : { kind: "decode" };
    });
    const action = nextAction({ slots: works, queue, served: counters.served, chunks });
    switch (action.kind) {
      case "admit": {
        const { id } = queue.splice(
          queue.findIndex((one) => one.id === action.id),
          1,
        )[0]!;
        const { chunks: prompt, tokens } = arrivals[id]!;
        rows[rows.indexOf(undefined)] = {
          arrival: id,
          order: admitted.length,
          chunks: prompt,
          tokens,
          waited: 0,
        };
        admitted.push(id);
        continue;
      }
      case "prefill":
        rows[action.slot]!.chunks--;
        counters.count(arrivals[rows[action.slot]!.arrival]!.tenant, 8);
        chunks++;
        for (const [slot, row] of rows.entries())
          if (row && slot !== action.slot && row.chunks === 0) worst = Math.max(worst, ++row.waited);
        break;
      case "decode":
        chunks = 0;
        for (const [slot, row] of rows.entries())
          if (row && row.chunks === 0) {
            row.waited = 0;
            const { tenant } = arrivals[row.arrival]!;
            counters.count(tenant, 1);
            tokensOf.set(tenant, (tokensOf.get(tenant) ?? 0) + 1);
            if (--row.tokens === 0) {
              finished.push(row.arrival);
              rows[slot] = undefined;
            }
          }
        break;
      case "wait":
        expect(queue.length === 0 && rows.every((row) => !row)).toBe(true);
    }
  }
  return { admitted, finished, worst, ticks };
}

const arrival = fc.record({
  at: fc.nat(60),
  tenant: fc.constantFrom("a", "b", "c"),
  chunks: fc.nat(12),
  tokens: fc.integer({ min: 1, max: 20 }),
});

test("every text ends, and one that decodes advances within three actions under any flood of prompts", () => {
  fc.assert(
    fc.property(
      fc.array(arrival, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 8 }),
      (arrivals, slots) => {
        const { finished, worst } = simulate(arrivals, slots);
        expect(new Set(finished).size).toBe(arrivals.length);
        expect(worst).toBeLessThanOrEqual(CHUNKS_A_STEP);
      },
    ),
    { numRuns: 300 },
  );
});

test("the texts of one tenant are admitted in the order in which they came", () => {
  fc.assert(
    fc.property(
      fc.array(arrival, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 8 }),
      (drawn, slots) => {
        const arrivals = drawn.map((one) => ({ ...one, tenant: "a" }));
        const { admitted } = simulate(arrivals, slots);
        const ats = admitted.map((id) => arrivals[id]!.at);
        expect(ats).toEqual([...ats].sort((a, b) => a - b));
      },
    ),
  );
});

describe("tenants share evenly", () => {
  const texts = (tenant: string, count: number, at = 0): Arrival[] =>
    Array.from({ length: count }, () => ({ at, tenant, chunks: 1, tokens: 10 }));

  test("whoever asks for much does not hold up who asks for little", () => {
    const arrivals = [...texts("many", 40), ...texts("few", 4, 1)];
    const { finished } = simulate(arrivals, 2);
    const places = finished.flatMap((id, place) => (arrivals[id]!.tenant === "few" ? place : []));
    // Turn by turn with the other's, not behind all forty.
    expect(Math.max(...places)).toBeLessThan(12);
  });

  test("who was away has not saved up a turn for each text of the others", () => {
    const counters = createCounters();
    counters.arrive("busy", []);
    counters.count("busy", 5000);
    counters.arrive("late", ["busy"]);
    expect(counters.served.get("late")).toBe(5000);
  });
});
