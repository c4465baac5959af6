import { fromBf16, fromF16, type Value } from "@fusewire/ir";
import fc from "fast-check";
import { expect, test } from "vitest";
import { checkFinite } from "./check_finite.ts";

const FORMATS = {
  f32: (word: number) => new Float32Array(Uint32Array.of(word).buffer)[0]!,
  bf16: fromBf16,
  f16: fromF16,
};

test("the first element that is infinity or NaN is named, wherever the array begins and ends", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("f32" as const, "bf16" as const, "f16" as const),
      fc.nat(3),
      // Most words near the largest exponents, of either sign, where a carry would show.
      fc.array(
        fc.oneof(
          { weight: 9, arbitrary: fc.nat(0xffffffff) },
          fc.constantFrom(0x7f7fffff, 0xff7f, 0x7bff, 0xffffffff),
        ),
        {
          maxLength: 12,
        },
      ),
      (dtype, offset, words) => {
        const whole =
          dtype === "f32" ? new Uint32Array(offset + words.length) : new Uint16Array(offset + words.length);
        words.forEach((word, k) => {
          whole[offset + k] = word;
        });
        const stored = whole.subarray(offset);
        const data = dtype === "f32" ? new Float32Array(whole.buffer, 4 * offset, words.length) : stored;
        const value = { type: { dtype, shape: [words.length] }, data } as Value;
        const first = stored.findIndex((word) => !Number.isFinite(FORMATS[dtype](word)));
        if (first < 0) checkFinite("w", value);
        else expect(() => checkFinite("w", value)).toThrow(`not a finite number, at element ${first};`);
      },
    ),
    { numRuns: 2000 },
  );
});
