import fc from "fast-check";
import { expect, test } from "vitest";
import { scoreOf } from "./logprobs.ts";
import { createStops } from "./stops.ts";

/** All that comes out of a text that is cut into pieces, up to the first stop text. */
function run(pieces: readonly string[], stops: readonly string[]): string {
  const search = createStops(stops);
  let out = "";
  for (const piece of pieces) {
    const { out: final, found } = search.push(piece);
    out += final;
    if (found !== undefined) return out;
  }
  return out + search.end();
}

test("a text ends before the first stop text, however it is cut into pieces", () => {
  const letters = fc.constantFrom("a", "b", "ab", "ba", "abb", "");
  fc.assert(
    fc.property(
      fc.array(letters, { maxLength: 12 }),
      fc.array(fc.constantFrom("ab", "bb", "aba", "bab", "c"), { maxLength: 3 }),
      (pieces, stops) => {
        const whole = pieces.join("");
        // The piece in which one ends first decides; within it the one that begins first.
        let seen = "";
        let expected = whole;
        for (const piece of pieces) {
          seen += piece;
          const found = stops.map((stop) => seen.indexOf(stop)).filter((at) => at >= 0);
          if (found.length > 0) {
            expected = seen.slice(0, Math.min(...found));
            break;
          }
        }
        expect(run(pieces, stops)).toBe(expected);
      },
    ),
    { numRuns: 500 },
  );
});

test("what cannot begin a stop text comes out at once", () => {
  const stops = createStops(["</end>"]);
  expect(stops.push("a </x")).toEqual({ out: "a </x", found: undefined });
  expect(stops.push("a <")).toEqual({ out: "a ", found: undefined });
  expect(stops.push("/e")).toEqual({ out: "", found: undefined });
  expect(stops.push("xit")).toEqual({ out: "</exit", found: undefined });
});

test("logarithms of probabilities, the best first", () => {
  const logits = Float32Array.of(1, 3, 2, 3);
  const total = Math.log(Math.exp(1) + 2 * Math.exp(3) + Math.exp(2));
  const { token, logprob, top } = scoreOf(logits, 2, 3);
  expect(token).toBe(2);
  expect(logprob).toBeCloseTo(2 - total, 12);
  expect(top.map((one) => one.token)).toEqual([1, 3, 2]);
  expect(top[0]!.logprob).toBeCloseTo(3 - total, 12);
  expect(scoreOf(logits, 0, 0).top).toEqual([]);
});
