import { DEFAULT_BUCKETS } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { beyondPositions, capacityFor } from "./positions.ts";

const rotary = { maxPositions: 96, positionTable: false };
const learned = { maxPositions: 96, positionTable: true };
const buckets = { ...DEFAULT_BUCKETS, capacity: 64 };

test("slots double beyond the positions that a rotary model was made for", () => {
  expect([1, 64, 65, 96, 97, 192, 193].map((length) => capacityFor(length, rotary, buckets))).toEqual([
    64, 64, 96, 96, 128, 192, 256,
  ]);
});

test("a table of positions has an end", () => {
  expect(capacityFor(96, learned, buckets)).toBe(96);
  expect(() => capacityFor(97, learned, buckets)).toThrow(
    "97 tokens are more than the 96 positions of the model",
  );
});

describe("a text beyond the positions", () => {
  test("is told of where positions are computed", () => {
    expect(beyondPositions(90, 6, rotary)).toBeUndefined();
    expect(beyondPositions(90, 7, rotary)).toMatch(
      /^a prompt of 90 tokens and 7 new ones are more than the 96 /,
    );
    expect(beyondPositions(97, 0, rotary)).toMatch(
      /^a text of 97 tokens is more than the 96 positions that /,
    );
  });

  test("is refused where they are looked up", () => {
    expect(beyondPositions(90, 6, learned)).toBeUndefined();
    expect(() => beyondPositions(90, 7, learned)).toThrow(
      "a prompt of 90 tokens and 7 new ones are more than the 96 positions of the model; shorten the prompt or lower max_new_tokens",
    );
    expect(() => beyondPositions(97, 0, learned)).toThrow(
      "a text of 97 tokens is more than the 96 positions of the model; shorten the prompt",
    );
  });
});
