import fc from "fast-check";
import { expect, test } from "vitest";
import { createWrapper, wrap } from "./wrap.ts";

test("breaks lines at spaces and keeps those of the text", () => {
  expect(wrap("one two three\nfour", 9)).toBe("one two\nthree\nfour");
  expect(wrap("one two three", 9, "  ")).toBe("one two\n  three");
  expect(wrap("a word-longer-than-a-line b", 9)).toBe("a\nword-longer-than-a-line\nb");
  expect(wrap("  indented  twice", 40)).toBe("  indented  twice");
});

test("pieces of any length give what the whole text gives, with every word in its place", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", " ", "\n", "é") });
  fc.assert(
    fc.property(fc.array(text), fc.integer({ min: 4, max: 20 }), (pieces, width) => {
      const wrapper = createWrapper(width);
      const streamed = pieces.map((piece) => wrapper.push(piece)).join("") + wrapper.end();
      const whole = pieces.join("");
      expect(streamed).toBe(wrap(whole, width));
      expect(streamed.split(/\s+/).filter(Boolean)).toEqual(whole.split(/\s+/).filter(Boolean));
      for (const line of streamed.split("\n"))
        if (line.trimStart().includes(" ")) expect(line.length).toBeLessThanOrEqual(width);
    }),
  );
});
