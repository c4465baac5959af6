import type { Node, Tracer } from "@fusewire/ir";
import * as ir from "@fusewire/ir";
import { f32, integers, type SelfTestCases, stored } from "./case.ts";

const x = (t: Tracer): Node => f32(t, "x", 5, 130);
const scores = (t: Tracer): Node => f32(t, "scores", 2, 500);
const column = (t: Tracer, ...values: readonly number[]): Node => ir.constant(t.table, values, "f32", [2]);
/** 0.5..1.5, where every unary function is defined. */
const positive = (t: Tracer): Node => ir.add(ir.mul(x(t), 0.5), 1);

/** Writes three entries, the last of which is not counted, into slots 4 and 5 of cache row 1. */
const WRITE = (t: Tracer) => [integers(t, [1]), integers(t, [4]), integers(t, [2])] as const;

export const KERNEL_CASES: SelfTestCases = {
  arithmetic: (t) => {
    const [a, b] = [x(t), f32(t, "y", 130)];
    return ir.div(ir.sub(ir.max(a, b), ir.min(ir.mul(a, b), 0.25)), ir.add(ir.mul(b, b), 1));
  },
  functions: (t) => {
    const a = positive(t);
    return ir.add(ir.add(ir.exp(ir.neg(a)), ir.log(a)), ir.add(ir.tanh(a), ir.mul(ir.sqrt(a), ir.rsqrt(a))));
  },
  activations: (t) => ir.add(ir.silu(x(t)), ir.add(ir.geluTanh(x(t)), ir.relu(x(t)))),
  "comparisons and choice": (t) => {
    const [a, b] = [x(t), f32(t, "y", 5, 130)];
    const either = ir.or(ir.and(ir.lt(a, b), ir.not(ir.le(a, 0.5))), ir.eq(a, b));
    return ir.where(either, a, ir.neg(b));
  },
  "integers and casts": (t) =>
    ir.mod(ir.cast(ir.mul(x(t), 1000), "i32"), ir.cast(ir.add(ir.mul(f32(t, "y", 130), 10), 20), "i32")),
  reduce_sum: (t) => ir.reduceSum(x(t)),
  reduce_max: (t) => ir.reduceMax(x(t)),
  argmax: (t) => ir.argmax(x(t)),
  cumsum: (t) => ir.cumsum(x(t)),
  argsort: (t) => ir.argsort(x(t), true),
  softmax: (t) => ir.softmax(x(t)),
  rms_norm: (t) => ir.rmsNorm(x(t), f32(t, "gain", 130), 1e-5),
  layer_norm: (t) => ir.layerNorm(x(t), f32(t, "gain", 130), f32(t, "shift", 130), 1e-5),
  rotary: (t) => ir.rotary(f32(t, "q", 1, 3, 5, 32), f32(t, "cos", 1, 5, 16), f32(t, "sin", 1, 5, 16)),
  transpose: (t) => ir.transpose(x(t), [1, 0]),
  broadcast_to: (t) => ir.broadcastTo(f32(t, "y", 5, 1), [3, 5, 7]),
  slice: (t) => ir.slice(x(t), [1, 3], [2, 100]),
  concat: (t) => ir.concat([x(t), f32(t, "y", 5, 7)], 1),
  gather: (t) => ir.gather(x(t), integers(t, [4, 0, 4, 9, -1])),
  cache_write: (t) =>
    ir.cacheWrite(f32(t, "cache", 2, 3, 16, 8), ...WRITE(t), f32(t, "values", 1, 3, 3, 8), 2),
  append_heads: (t) =>
    ir.appendHeads(f32(t, "cache", 2, 3, 16, 8), ...WRITE(t), f32(t, "joined", 1, 3, 40), 8, {
      cos: f32(t, "cos", 1, 3, 4),
      sin: f32(t, "sin", 1, 3, 4),
    }),
  top_k: (t) => ir.topK(scores(t), integers(t, [40, 0])),
  top_p: (t) => ir.topP(scores(t), column(t, 0.7, 0.3)),
  categorical: (t) => ir.categorical(scores(t), column(t, 0.37, 0.81)),
  occurs: (t) => ir.occurs(t.input("ids", ir.tensorType("i32", [2, 10])), integers(t, [10, 4]), 37),
  uniform: (t) =>
    ir.uniform(
      t.input("seed", ir.tensorType("u32", [50])),
      t.input("position", ir.tensorType("i32", [50])),
      "choose",
    ),
  dequantize: (t) => ir.dequantize(stored(t, "i8", "codes", 5, 64), f32(t, "scales", 5, 2), ir.q8(32)),
};
