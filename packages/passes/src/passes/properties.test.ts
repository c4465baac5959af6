import {
  type Module,
  type OpName,
  parseModule,
  printModule,
  rootsOf,
  topological,
  verify,
} from "@fusewire/ir";
import { arbitraryModule, expectSameMeaning } from "@fusewire/ir/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EngineTraits } from "../engine/engine.ts";
import { fixpoint, type Pass, sameModule, sequence } from "../rewrite/pass.ts";
import { arbitraryRecipe } from "../testing/arbitrary_recipe.ts";
import { type BlockRecipe, buildModel } from "../testing/forms.ts";
import { canonicalise } from "./canonicalise.ts";
import { foldConstants } from "./fold_constants.ts";
import { fuseAttention } from "./fuse_attention.ts";
import { fuseElementwise } from "./fuse_elementwise.ts";
import { fuseEpilogue } from "./fuse_epilogue.ts";
import { fuseMlp } from "./fuse_mlp.ts";
import { fuseNorm } from "./fuse_norm.ts";
import { fuseQkv } from "./fuse_qkv.ts";
import { fuseRotary } from "./fuse_rotary.ts";
import { hoistPrepare } from "./hoist_prepare.ts";
import { legalise } from "./legalise.ts";

const engine = (without: readonly OpName[]): EngineTraits => ({
  attention: [],
  name: "test",
  claims: (op) => !without.includes(op),
  memory: { alignment: 4, readWriteSameBuffer: true },
});
const COMPOSITES: readonly OpName[] = [
  ...(["softmax", "silu", "rms_norm", "rotary", "attention", "linear", "gated_linear"] as const),
  ...(["fused_elementwise", "top_k", "top_p", "categorical"] as const),
];

const PASSES: readonly Pass[] = [
  fixpoint(canonicalise),
  foldConstants,
  fuseAttention,
  fuseNorm,
  fuseRotary,
  fuseEpilogue,
  sequence("fuse_mlp after fuse_epilogue", [fuseEpilogue, fuseMlp]),
  fuseQkv,
  fuseElementwise,
  hoistPrepare,
  legalise(engine(COMPOSITES)),
  sequence("fuse_elementwise after legalise", [legalise(engine(COMPOSITES)), fuseElementwise]),
];

function check(pass: Pass, module: Module, seed: number): void {
  const before = printModule(module);
  const result = pass.run(module);
  verify(result);
  expectSameMeaning(result, module, seed, 0);
  expect(printModule(module)).toBe(before);
  const again = parseModule(printModule(result), result.table);
  expect(sameModule(again, result)).toBe(true);
  expect(printModule(pass.run(result))).toBe(printModule(result));
}

describe("keeps the meaning, prints and parses, and changes nothing when run again", () => {
  describe.each(PASSES.map((pass) => ({ name: pass.name, pass })))("$name", ({ pass }) => {
    test("of random modules", () => {
      fc.assert(
        fc.property(arbitraryModule(), fc.nat(), (module, seed) => check(pass, module, seed)),
        { numRuns: 60 },
      );
    });

    test("of models in plain ops", () => {
      fc.assert(
        fc.property(arbitraryRecipe, fc.nat(), (recipe, seed) => check(pass, buildModel(recipe), seed)),
        { numRuns: 30 },
      );
    });
  });
});

const countOps = (module: Module, op: OpName): number =>
  topological(module.entries.flatMap(rootsOf)).filter((node) => node.op === op).length;

test("every fusion fires on every form that a model is made of", () => {
  const all = sequence("all", [
    fixpoint(canonicalise),
    foldConstants,
    ...[fuseAttention, fuseNorm, fuseRotary, fuseEpilogue, fuseMlp, fuseQkv],
  ]);
  fc.assert(
    fc.property(arbitraryRecipe, (recipe) => {
      const module = all.run(buildModel(recipe));
      const blocks = (kind: BlockRecipe["kind"]) =>
        recipe.blocks.filter((block) => block.kind === kind).length;
      const attentions = blocks("attention");
      expect(countOps(module, "attention")).toBe(attentions);
      expect(countOps(module, "softmax")).toBe(0);
      expect(countOps(module, "dequantize")).toBe(0);
      expect(countOps(module, "rotary")).toBe(2 * attentions);
      // Noise has no norm, and the last norm stands outside the blocks.
      expect(countOps(module, "rms_norm")).toBe(
        recipe.blocks.length - blocks("noise") - blocks("layer_norm") + 1,
      );
      expect(countOps(module, "layer_norm")).toBe(blocks("layer_norm"));
      expect(countOps(module, "gated_linear")).toBe(blocks("mlp"));
      // Attention: one product for q, k and v, one after it. MLP: one after it. And the scores.
      const products = countOps(module, "matmul") + countOps(module, "linear");
      expect(products).toBe(2 * attentions + blocks("mlp") + 1);
    }),
    { numRuns: 60 },
  );
});
