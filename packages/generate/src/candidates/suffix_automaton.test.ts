import { array, assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { createSuffixAutomaton } from "./suffix_automaton.ts";

/** By comparing every end with every place. */
function bruteForce(ids: readonly number[]): { length: number; end: number } | undefined {
  for (let n = ids.length - 1; n >= 1; n--)
    for (let i = 0; i + n < ids.length; i++)
      if (ids.slice(-n).every((id, k) => ids[i + k] === id)) return { length: n, end: i + n };
  return undefined;
}

test("the longest repeated end and its first place are those of a search, after every token", () => {
  const rows = array(integer({ min: 0, max: 2 }), { maxLength: 40 });
  assert(
    property(rows, (ids) => {
      const automaton = createSuffixAutomaton();
      for (const [k, id] of ids.entries()) {
        automaton.push(id);
        expect(automaton.longestRepeat()).toEqual(bruteForce(ids.slice(0, k + 1)));
      }
      expect(automaton.length).toBe(ids.length);
    }),
  );
});
