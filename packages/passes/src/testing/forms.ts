/** For tests: models as they are traced, in plain ops, from a recipe that a generator can draw and shrink. */

import type { Module, Node, Tracer } from "@fusewire/ir";
import * as ir from "@fusewire/ir";

export type BlockRecipe =
  | { readonly kind: "norm"; readonly gemma: boolean }
  | { readonly kind: "layer_norm" }
  | { readonly kind: "mlp"; readonly bias: boolean; readonly upFirst: boolean; readonly width: number }
  | {
      readonly kind: "attention";
      readonly bias: boolean;
      readonly groups: number;
      readonly repeat: number;
      readonly softcap: number;
      readonly scale: number;
      readonly mask: "causal" | "window" | "ring";
      readonly cache: "f32" | "f16" | "i8";
    }
  /** Elementwise ops between the forms. */
  | { readonly kind: "noise"; readonly ops: readonly number[] };

export interface Recipe {
  readonly batch: number;
  readonly tokens: number;
  readonly blocks: readonly BlockRecipe[];
}

const WIDTH = 8;
const HEAD = 4;
const SLOTS = 8;
const f32 = (...shape: number[]) => ir.tensorType("f32", shape);
const i32 = (...shape: number[]) => ir.tensorType("i32", shape);

/** One decode-like entry: token ids to scores, through the blocks in order, each added to what it read. */
export function buildModel({ batch, tokens, blocks }: Recipe, vocabulary = 16): Module {
  return ir.trace({
    decode: (t) => {
      const embedding = t.param("embed.weight", f32(vocabulary, WIDTH));
      let x = ir.gather(embedding, t.input("ids", i32(batch, tokens)));
      for (const [layer, block] of blocks.entries())
        x = t.scope(`model.layers.${layer}`, () => addBlock(t, block, x, `model.layers.${layer}`));
      const last = ir.plainRmsNorm(x, t.param("norm.weight", f32(WIDTH)), 0.01);
      const scores = ir.matmul(last, embedding, { transposeB: true });
      const lengths = t.state("lengths", i32(batch));
      t.write("lengths", ir.add(lengths, t.input("count", i32(batch))));
      t.write("seen", ir.add(t.state("seen", f32(batch, tokens, WIDTH)), x));
      return { scores, token: ir.reshape(ir.argmax(scores), [batch, tokens]) };
    },
  });
}

function addBlock(t: Tracer, block: BlockRecipe, x: Node, name: string): Node {
  const normed = ir.plainRmsNorm(x, normWeight(t, `${name}.norm`, block), 0.01);
  switch (block.kind) {
    case "norm":
      return ir.add(normed, x);
    case "layer_norm": {
      const bias = t.param(`${name}.norm.bias`, f32(WIDTH));
      return ir.add(x, ir.plainLayerNorm(x, t.param(`${name}.norm.weight`, f32(WIDTH)), bias, 0.01));
    }
    case "mlp":
      return ir.add(x, mlp(t, block, normed, name));
    case "attention":
      return ir.add(attend(t, block, normed, name), x);
    case "noise":
      return block.ops.reduce((value, op) => NOISE[op % NOISE.length]!(value, t), x);
  }
}

const NOISE: readonly ((x: Node, t: Tracer) => Node)[] = [
  (x) => ir.tanh(x),
  (x) => ir.mul(x, 1),
  (x) => ir.add(ir.mul(x, 0.5), 0),
  (x) => ir.silu(ir.neg(ir.neg(x))),
  (x, t) => ir.mul(x, t.param("noise.weight", f32(WIDTH))),
  (x) => ir.transpose(ir.transpose(x, [0, 2, 1]), [0, 2, 1]),
  (x) => ir.sub(x, ir.div(x, ir.add(ir.mul(x, x), 2))),
];

function normWeight(t: Tracer, name: string, block: BlockRecipe): Node {
  const weight = t.param(`${name}.weight`, f32(WIDTH));
  return block.kind === "norm" && block.gemma ? ir.add(weight, 1) : weight;
}

function project(t: Tracer, x: Node, name: string, width: number, bias: boolean): Node {
  const product = ir.matmul(x, t.param(`${name}.weight`, f32(width, x.type.shape.at(-1)!)), {
    transposeB: true,
  });
  return bias ? ir.add(product, t.param(`${name}.bias`, f32(width))) : product;
}

function mlp(
  t: Tracer,
  { bias, upFirst, width }: BlockRecipe & { kind: "mlp" },
  x: Node,
  name: string,
): Node {
  const gate = ir.silu(project(t, x, `${name}.mlp.gate`, width, bias));
  const up = project(t, x, `${name}.mlp.up`, width, bias);
  return project(t, upFirst ? ir.mul(up, gate) : ir.mul(gate, up), `${name}.mlp.down`, WIDTH, false);
}

function attend(t: Tracer, block: BlockRecipe & { kind: "attention" }, x: Node, name: string): Node {
  const [batch, tokens] = x.type.shape as [number, number];
  const { groups, repeat, bias } = block;
  const heads = (part: string, count: number): Node => {
    const product = project(t, x, `${name}.attn.${part}`, count * HEAD, bias);
    return ir.transpose(ir.reshape(product, [batch, tokens, count, HEAD]), [0, 2, 1, 3]);
  };
  const positions = t.input("ids", i32(batch, tokens));
  const [cos, sin] = (["cos", "sin"] as const).map((fn) =>
    ir.gather(ir.trigTable(t.table, fn, 16, [1, 0.1]), positions),
  ) as [Node, Node];
  const q = ir.plainRotary(heads("q", groups * repeat), cos, sin);
  const k = ir.plainRotary(heads("k", groups), cos, sin);
  const rows = t.input("rows", i32(batch));
  const [at, count] = [t.input("at", i32(batch)), t.input("count", i32(batch))];
  const append = (cache: string, dtype: ir.DType, fresh: Node): Node => {
    const shape = [batch + 1, groups, SLOTS, fresh.type.shape.at(-1)!];
    const next = ir.cacheWrite(
      t.state(cache, { dtype, shape }),
      rows,
      at,
      count,
      fresh,
      2,
      block.mask === "ring",
    );
    t.write(cache, next);
    return next;
  };
  const written = (part: string, fresh: Node): Node => {
    const cache = `${name}.${part}`;
    if (block.cache !== "i8")
      return ir.readCache(append(cache, block.cache, ir.cast(fresh, block.cache)), rows);
    const { codes, scales } = ir.quantizeEntries(fresh);
    return ir.readCache(append(cache, "i8", codes), rows, append(`${cache}.scales`, "f32", scales));
  };
  const { lo, hi } = runOf(t, block.mask, batch, tokens);
  const attended = ir.plainAttention(q, written("keys", k), written("values", heads("v", groups)), lo, hi, {
    scale: block.scale,
    softcap: block.softcap,
    ring: block.mask === "ring",
  });
  const joined = ir.reshape(ir.transpose(attended, [0, 2, 1, 3]), [batch, tokens, groups * repeat * HEAD]);
  return project(t, joined, `${name}.attn.o`, WIDTH, false);
}

/** A run that holds at least one slot, for the plain form of an empty one is NaN. Random i32 are at most 5, so a ring of 8 holds it. */
function runOf(
  t: Tracer,
  mask: "causal" | "window" | "ring",
  batch: number,
  tokens: number,
): { lo: Node; hi: Node } {
  const hi = ir.max(t.input("hi", i32(batch, tokens)), 0);
  if (mask === "causal") return { lo: ir.constant(t.table, 0, "i32", [batch, tokens]), hi };
  return { lo: ir.max(ir.min(t.input("lo", i32(batch, tokens)), hi), 0), hi };
}
