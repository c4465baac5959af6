import { describe, expect, test } from "vitest";
import type { Runtime } from "../runtime.ts";
import type { CacheHold, CacheRow } from "./hold.ts";
import { settle, writtenBeyond } from "./settle.ts";

const holding = (...rows: CacheRow[]): CacheHold => ({
  name: "DynamicCache",
  maxLength: undefined,
  maxRows: undefined,
  dtype: undefined,
  device: undefined,
  bound: undefined,
  rows,
  status: "free",
});

describe("what a cache holds afterwards", () => {
  test("every token but the last, and nothing more is certain where none was generated", () => {
    const held = { ids: [1, 2, 3], cached: 2, pads: 0, written: 9 };
    const hold = holding(held, held, { ids: [8], cached: 1, pads: 0, written: 1 });
    settle(hold, {
      text: {
        rows: [
          [1, 2, 3, 4],
          [7, 7],
        ],
        starts: [0, 2],
      },
      cached: [2, 0],
      newTokens: [[5, 6], []],
      beyond: 3,
    });
    expect(hold.rows).toEqual([
      { ids: [1, 2, 3, 4, 5, 6], cached: 5, pads: 0, written: 9 },
      // All of it was written anew, so that what lay further is of no text.
      { ids: [], cached: 0, pads: 2, written: 2 - 1 + 3 },
      { ids: [8], cached: 1, pads: 0, written: 1 },
    ]);
  });
});

describe("how far behind the last token was written", () => {
  const beyond = (more: {
    finished?: boolean;
    stopped?: boolean[];
    drafted?: number[];
    stepsPerSubmit?: number;
    runAhead?: number;
    lengths?: number[];
  }) => {
    const {
      finished = true,
      stopped = [],
      drafted = [],
      stepsPerSubmit = 1,
      runAhead = 0,
      lengths = [4],
    } = more;
    return writtenBeyond({
      runtime: { engine: { runAhead } } as Runtime,
      settings: { stepsPerSubmit, fullgraph: false, autotune: false },
      counts: { rounds: drafted.map((count) => ({ drafted: count, accepted: 0 })), stopped },
      newTokens: lengths.map((length) => new Array<number>(length).fill(1)),
      finished,
    });
  };

  test("nothing where all rows ended by themselves, or the longest of the drafts", () => {
    expect(beyond({})).toBe(0);
    expect(beyond({ stepsPerSubmit: 4, runAhead: 2 })).toBe(0);
    expect(beyond({ drafted: [3, 7, 2] })).toBe(7);
  });

  test("where it was left: the submits that run ahead, the one that was read and the one before it", () => {
    expect(beyond({ finished: false })).toBe(2);
    expect(beyond({ finished: false, runAhead: 1 })).toBe(3);
    expect(beyond({ finished: false, runAhead: 1, stepsPerSubmit: 8 })).toBe(24);
    expect(beyond({ finished: false, drafted: [9] })).toBe(9);
  });

  test("where the host stopped rows: as far as the longest went on, too", () => {
    expect(beyond({ stopped: [true, false], lengths: [2, 10] })).toBe(2 + 8);
    expect(beyond({ stopped: [true, true], lengths: [5, 5] })).toBe(2);
  });
});
