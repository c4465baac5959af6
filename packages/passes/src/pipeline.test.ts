import { parseModule, printModule, verify } from "@fusewire/ir";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EngineTraits } from "./engine/engine.ts";
import { lower, OPTIONAL_PASSES, type OptionalPass } from "./pipeline.ts";
import { planMemory } from "./plan/plan_memory.ts";
import { launchesPerLayer, printProgram, scratchBytes } from "./plan/program.ts";
import { largestLiveSet } from "./testing/compare_program.ts";
import { everyPassProperty, TRAITS } from "./testing/every_pass.ts";
import { type BlockRecipe, buildModel } from "./testing/forms.ts";

const engine = (claims: EngineTraits["claims"]): EngineTraits => ({
  attention: [],
  name: "test",
  claims,
  memory: { alignment: 16, readWriteSameBuffer: false },
});
test("models and random graphs stay valid and mean the same after every pass, and as programs", () => {
  fc.assert(everyPassProperty, { numRuns: 200 });
});

test("what is computed while loading needs no kernel", () => {
  const lacking = engine((op) => op !== "trig_table" && op !== "iota" && op !== "concat" && op !== "cast");
  const block: BlockRecipe = { kind: "mlp", bias: true, upFirst: false, width: 8 };
  const { module } = lower(buildModel({ batch: 1, tokens: 1, blocks: [block] }), lacking);
  expect(printModule(module)).toContain(
    'prepared {dtype="f32", name="concat(model.layers.0.mlp.{gate,up}.weight)#',
  );
});

test("an unknown name of a pass is an error that lists the known ones", () => {
  expect(() =>
    lower(
      buildModel({ batch: 1, tokens: 1, blocks: [] }),
      engine(() => true),
      { disable: ["fuse_all" as OptionalPass] },
    ),
  ).toThrow("'fuse_all' is not an optional pass; those are canonicalise, fold_constants");
});

test("every optional pass is in the pipeline, and observe sees the module after each", () => {
  const seen = new Set<string>();
  const module = buildModel({ batch: 1, tokens: 1, blocks: [] });
  lower(
    module,
    engine(() => true),
    {
      observe: (pass, after) => {
        seen.add(pass);
        verify(parseModule(printModule(after)));
      },
    },
  );
  expect([...seen].sort()).toEqual([...OPTIONAL_PASSES, "legalise"].sort());
});

const llama = (layers: number): BlockRecipe[] =>
  Array.from({ length: layers }, (): BlockRecipe[] => [
    {
      kind: "attention",
      bias: false,
      groups: 1,
      repeat: 2,
      softcap: 0,
      scale: 0.5,
      mask: "causal",
      cache: "f32",
    },
    { kind: "mlp", bias: false, upFirst: false, width: 16 },
  ]).flat();

describe("a Llama of 30 layers in plain ops, one token", () => {
  const module = buildModel({ batch: 1, tokens: 1, blocks: llama(30) });
  const traits = TRAITS[0]!;
  const program = planMemory(lower(module, traits), traits);

  test("takes 8 launches a layer", () => {
    // Attention and MLP are two blocks of the recipe.
    const [attention, mlp] = ["model.layers.6", "model.layers.7"].map((layer) =>
      launchesPerLayer(program).get(layer),
    );
    expect({ attention, mlp }).toEqual({ attention: 6, mlp: 2 });
  });

  test("has one shape of program", () => {
    const lines = printProgram(program)
      .split("\n")
      .filter((line) => line.includes("@model.layers.6") || line.includes("@model.layers.7"));
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "  slot0:f32[1,1,16] = dense(slot1:f32[1,1,8], model.layers.6.norm.weight:f32[8], concat(model.layers.6.attn.{q,k,v}.weight)#951bd2d6:f32[16,8]) {activation="none", bias=false, eps=0.009999999776482582, gated=false, norm="rms", residual=false}  @model.layers.6
        slot2:f32[1,2,1,4] = rotary(slot0:f32[1,2,1,4], slot3:f32[1,1,2], slot4:f32[1,1,2])  @model.layers.6
        model.layers.6.keys:f32[2,1,8,4] = append_heads(model.layers.6.keys:f32[2,1,8,4], rows:i32[1], at:i32[1], count:i32[1], slot0:f32[1,1,16], slot3:f32[1,1,2], slot4:f32[1,1,2]) {ring=false, rotary=true, start=8}  @model.layers.6
        model.layers.6.values:f32[2,1,8,4] = append_heads(model.layers.6.values:f32[2,1,8,4], rows:i32[1], at:i32[1], count:i32[1], slot0:f32[1,1,16]) {ring=false, rotary=false, start=12}  @model.layers.6
        slot0:f32[1,2,1,4] = attention(slot2:f32[1,2,1,4], model.layers.6.keys:f32[2,1,8,4], model.layers.6.values:f32[2,1,8,4], rows:i32[1], [0]:i32[1,1], slot5:i32[1,1]) {ring=false, scale=0.5, softcap=0}  @model.layers.6
        slot2:f32[1,1,8] = linear(slot0:f32[1,1,8], model.layers.6.attn.o.weight:f32[8,8], slot1:f32[1,1,8]) {activation="none", bias=false, residual=true}  @model.layers.6
        slot0:f32[1,1,16] = dense(slot2:f32[1,1,8], model.layers.7.norm.weight:f32[8], concat(model.layers.7.mlp.{gate,up}.weight)#169e208e:f32[32,8]) {activation="silu", bias=false, eps=0.009999999776482582, gated=true, norm="rms", residual=false}  @model.layers.7
        slot1:f32[1,1,8] = linear(slot0:f32[1,1,16], model.layers.7.mlp.down.weight:f32[8,16], slot2:f32[1,1,8]) {activation="none", bias=false, residual=true}  @model.layers.7"
    `);
  });

  test("needs scratch memory for one layer, not for all", () => {
    const least = largestLiveSet(program);
    const small = planMemory(lower(buildModel({ batch: 1, tokens: 1, blocks: llama(1) }), traits), traits);
    expect(scratchBytes(program)).toBeLessThanOrEqual(1.25 * scratchBytes(small));
    expect(scratchBytes(program)).toBeLessThanOrEqual(1.5 * least);
  });

  test("makes nodes in proportion to its layers", () => {
    const nodes = (layers: number) => {
      const module = buildModel({ batch: 1, tokens: 1, blocks: llama(layers) });
      planMemory(lower(module, traits), traits);
      return module.table.size;
    };
    expect(nodes(30)).toBeLessThan(2.1 * nodes(15));
  });
});
