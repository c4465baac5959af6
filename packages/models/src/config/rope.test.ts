import { describe, expect, test } from "vitest";
import { rotaryFrequencies } from "./index.ts";

const plain = { rope_type: "default", rope_theta: 10000 };
const llama31 = {
  rope_type: "llama3",
  rope_theta: 500000,
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};

test("default: the float32 numbers that NumPy gives", () => {
  expect(rotaryFrequencies(plain, 16)).toEqual({
    frequencies: [
      1, 0.3162277638912201, 0.10000000149011612, 0.03162277862429619, 0.009999999776482582,
      0.003162277862429619, 0.0010000000474974513, 0.0003162277862429619,
    ],
    attentionScale: 1,
    turned: 16,
  });
});

test("linear: divided by the factor", () => {
  const { frequencies } = rotaryFrequencies({ ...plain, rope_type: "linear", factor: 3 }, 16);
  const expected = rotaryFrequencies(plain, 16).frequencies.map((x) => Math.fround(x / 3));
  expect(frequencies).toEqual(expected);
});

describe("llama3", () => {
  test("the float32 numbers that NumPy gives, for a tiny model", () => {
    const tiny = { ...llama31, rope_theta: 10000, original_max_position_embeddings: 64 };
    expect(rotaryFrequencies(tiny, 16).frequencies).toEqual([
      1, 0.24438458681106567, 0.013042256236076355, 0.0039528473280370235, 0.0012499999720603228,
      0.00039528473280370235, 0.0001250000059371814, 3.9528473280370235e-5,
    ]);
  });

  // Written from the description in words, in f64: how many turns does a pair make within the original context?
  // More than high_freq_factor: kept. Fewer than low_freq_factor: divided. Between: mixed in proportion.
  test.each([64, 128])("the rule in words, head dimension %d", (headDim) => {
    const { frequencies } = rotaryFrequencies(llama31, headDim);
    expect(frequencies.length).toBe(headDim / 2);
    let mixed = 0;
    frequencies.forEach((frequency, i) => {
      const original = 500000 ** -((2 * i) / headDim);
      const turns = (8192 * original) / (2 * Math.PI);
      const kept = Math.min(1, Math.max(0, (turns - 1) / 3));
      if (kept > 0 && kept < 1) mixed++;
      expect(frequency / (kept * original + (1 - kept) * (original / 8))).toBeCloseTo(1, 5);
      expect(frequency).toBe(Math.fround(frequency));
    });
    expect(mixed).toBeGreaterThan(1);
  });
});

describe("yarn: the numbers of transformers 5.24", () => {
  const yarn = { ...plain, rope_type: "yarn", factor: 4, original_max_position_embeddings: 32 };

  test("as the paper has it", () => {
    expect(rotaryFrequencies(yarn, 16)).toEqual({
      frequencies: [
        1, 0.19764235615730286, 0.02500000037252903, 0.007905694656074047, 0.0024999999441206455,
        0.0007905694656074047, 0.0002500000118743628, 7.905694656074047e-5,
      ],
      attentionScale: 1.138629436111989,
      turned: 16,
    });
  });

  test("with another range that is not rounded, and DeepSeek's scales", () => {
    const other = { ...yarn, mscale: 1, mscale_all_dim: 0.5, truncate: false, beta_fast: 16 };
    const { frequencies, attentionScale } = rotaryFrequencies(other, 16);
    expect(frequencies[1]).toBe(0.14849025011062622);
    expect(attentionScale).toBe(1.0648216253695715);
  });
});

test("a part of a head turns as a head of that size does", () => {
  const part = rotaryFrequencies({ ...plain, partial_rotary_factor: 0.5 }, 32);
  expect(part).toEqual(rotaryFrequencies(plain, 16));
  expect(rotaryFrequencies(plain, 32, 0.5)).toEqual(part);
});

test.each([
  [
    { ...plain, rope_type: "longrope" },
    16,
    "rope_type 'longrope' of config.json is not supported; supported are default, linear, llama3, yarn",
  ],
  [{ ...plain, rope_type: "yarn" }, 16, "rope_type 'yarn' of config.json needs 'factor'; add it"],
  [{ ...plain, rope_type: "constructor" }, 16, "is not supported"],
  [plain, 15, "needs an even head dimension >= 2, got 15"],
  [plain, 0, "got 0"],
  [{ ...plain, rope_type: "linear" }, 16, "rope_type 'linear' of config.json needs 'factor'; add it"],
  [{ ...llama31, high_freq_factor: 1 }, 16, "must be larger than low_freq_factor 1"],
  [
    { ...plain, partial_rotary_factor: 0.1 },
    16,
    "partial_rotary_factor 0.1 of config.json turns 1 of the 16",
  ],
])("%j with %d", (rope, headDim, message) => {
  expect(() => rotaryFrequencies(rope, headDim)).toThrow(message);
});
