import { describe, expect, test } from "vitest";
import { bestThreshold, judge } from "./best_threshold.ts";

const judged = (right: readonly number[], wrong: readonly number[]) => [
  ...right.map((probability) => ({ probability, right: true })),
  ...wrong.map((probability) => ({ probability, right: false })),
];

// Expected by hand: the least of (wrong ones kept) / (wrong ones) + 3 * (right ones lost) / (right ones).
describe("the threshold that costs least", () => {
  test.each([
    ["kinds that do not mix: the least likely right one", [0.9, 0.8, 0.7, 0.6], [0.5, 0.1], 0.6],
    [
      "one wrong draft among the likely is cheaper than a right one lost",
      [0.9, 0.3, 0.8],
      [0.5, 0.4, 0.2],
      0.3,
    ],
    ["equal probabilities count together", [0.5, 0.5, 0.9], [0.5, 0.2, 0.1], 0.5],
    ["right ones below all wrong ones", [0.1, 0.2, 0.3], [0.9, 0.8, 0.7], 0.1],
  ])("%s", (_, right, wrong, threshold) => expect(bestThreshold(judged(right, wrong))).toBe(threshold));

  test("there is none before six drafts, and none of one kind alone", () => {
    expect(bestThreshold(judged([0.9, 0.8, 0.7], [0.1, 0.2]))).toBeUndefined();
    expect(bestThreshold(judged([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], []))).toBeUndefined();
    expect(bestThreshold(judged([], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]))).toBeUndefined();
  });
});

test("drafts behind the first wrong one teach nothing", () => {
  expect(judge([0.9, 0.8, 0.7, 0.6], 1)).toEqual([
    { probability: 0.9, right: true },
    { probability: 0.8, right: false },
  ]);
  expect(judge([0.9, 0.8], 2).every(({ right }) => right)).toBe(true);
  expect(judge([], 0)).toEqual([]);
});
