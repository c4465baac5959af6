import { expect, test } from "vitest";
import { watermarkProcessor } from "./watermark.ts";

/** The ids whose scores rise, and by how much. */
function marked(
  config: Parameters<typeof watermarkProcessor>[0],
  ids: readonly (readonly number[])[],
  size: number,
) {
  const rows = watermarkProcessor(config).apply(
    ids,
    ids.map(() => new Float32Array(size)),
  );
  return rows.map((row) => [...row.entries()].filter(([, score]) => score !== 0));
}

// Numbers of WatermarkLogitsProcessor of transformers 5.24 on a CPU.
test("marks the tokens that torch's permutation puts first", () => {
  const rows = marked(
    { greenlist_ratio: 0.3, bias: 1.5 },
    [
      [3, 7],
      [1, 19],
    ],
    20,
  );
  expect(rows.map((row) => row.map(([id]) => id))).toEqual([
    [6, 7, 9, 12, 17, 18],
    [1, 5, 14, 15, 18, 19],
  ]);
  expect(rows[0]!.every(([, score]) => score === 1.5)).toBe(true);
});

test("a key whose seed is beyond 32 bits", () => {
  const [row] = marked({ hashing_key: 98765432123 }, [[999]], 1000);
  expect(row!.slice(0, 12).map(([id]) => id)).toEqual([2, 3, 7, 11, 22, 24, 25, 26, 27, 45, 54, 56]);
  expect(row).toHaveLength(250);
});

test("a text shorter than context_width is left alone", () => {
  expect(marked({ context_width: 2 }, [[5]], 20)).toEqual([[]]);
});
