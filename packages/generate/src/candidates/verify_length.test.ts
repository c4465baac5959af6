import { expect, test } from "vitest";
import { verifyLength, verifyLengths } from "./verify_length.ts";

test("every length is there up to 6, and beyond at most a third is padding", () => {
  expect(verifyLengths(24)).toEqual([2, 3, 4, 5, 6, 8, 12, 16, 24, 32]);
  for (let drafts = 1; drafts < 300; drafts++) {
    const length = verifyLength(drafts);
    expect(length).toBeGreaterThan(drafts);
    expect((length - drafts - 1) / length).toBeLessThan(1 / 3);
  }
});
