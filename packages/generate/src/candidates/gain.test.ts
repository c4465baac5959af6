import { describe, expect, test } from "vitest";
import { measureGain } from "./gain.ts";

/** A gain that has seen plain steps of 10 ms. */
function afterPlainSteps() {
  const gain = measureGain();
  for (const ms of [900, 10, 10]) {
    expect(gain.drafts()).toBe(false);
    gain.record({ drafted: false, ms, gained: 1 });
  }
  expect(gain.drafts()).toBe(true);
  return gain;
}

describe("whether drafting pays", () => {
  test("rounds that gain more than their time keep it on, one slow round among them too", () => {
    const gain = afterPlainSteps();
    for (const ms of [20, 20, 500, 20, 20, 20, 20]) gain.record({ drafted: true, ms, gained: 3 });
    expect(gain.drafts()).toBe(true);
    expect(gain.stats()).toEqual({
      active: true,
      reason: "3.00 tokens in a round of 20.00 ms, where a plain step takes 10.00 ms: 1.50 times as fast",
    });
  });

  test("it ends after three losing rounds, but not before there are four rounds to go by", () => {
    const gain = afterPlainSteps();
    for (let round = 1; round <= 6; round++) {
      expect(gain.drafts()).toBe(true);
      gain.record({ drafted: true, ms: 20, gained: 1.5 });
    }
    expect(gain.drafts()).toBe(false);
    expect(gain.stats()).toEqual({
      active: false,
      reason:
        "1.50 tokens in a round of 20.00 ms, where a plain step takes 10.00 ms: 0.75 times as fast; drafting ended after 6 rounds",
    });
  });

  test("a winning round in between gives it three more", () => {
    const gain = afterPlainSteps();
    for (const gained of [1, 1, 1, 1, 1, 12]) gain.record({ drafted: true, ms: 20, gained });
    expect(gain.drafts()).toBe(true);
    // It counts for seven more rounds, of the eight that are looked back upon.
    for (let round = 1; round <= 7 + 3; round++) {
      expect(gain.drafts()).toBe(true);
      gain.record({ drafted: true, ms: 20, gained: 1 });
    }
    expect(gain.drafts()).toBe(false);
  });
});
