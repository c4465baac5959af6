import fc from "fast-check";
import type { BlockRecipe, Recipe } from "./forms.ts";

const oneOf = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const arbitraryBlock: fc.Arbitrary<BlockRecipe> = fc.oneof(
  fc.record({ kind: fc.constant("norm" as const), gemma: fc.boolean() }),
  fc.record({ kind: fc.constant("layer_norm" as const) }),
  fc.record({
    kind: fc.constant("mlp" as const),
    bias: fc.boolean(),
    upFirst: fc.boolean(),
    width: oneOf(3, 8),
  }),
  fc.record({
    kind: fc.constant("attention" as const),
    bias: fc.boolean(),
    groups: oneOf(1, 2),
    repeat: oneOf(1, 2, 3),
    softcap: oneOf(0, 5),
    scale: oneOf(0.5, 1),
    mask: oneOf("causal" as const, "window" as const, "ring" as const),
    cache: oneOf("f32" as const, "f16" as const, "i8" as const),
  }),
  fc.record({
    kind: fc.constant("noise" as const),
    ops: fc.array(fc.nat(6), { minLength: 1, maxLength: 4 }),
  }),
);
/** Few layers of every form that models are made of. */
export const arbitraryRecipe: fc.Arbitrary<Recipe> = fc.record({
  batch: oneOf(1, 2),
  tokens: oneOf(1, 3),
  blocks: fc.array(arbitraryBlock, { minLength: 1, maxLength: 4 }),
});
