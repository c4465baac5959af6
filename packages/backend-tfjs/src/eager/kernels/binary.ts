import * as tf from "@tensorflow/tfjs-core";
import type { Kernel, KernelTable } from "../kernel.ts";

type Name = "add" | "sub" | "mul" | "div" | "max" | "min" | "eq" | "lt" | "le" | "and" | "or";

const binary = <K extends Name>(op: K, run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) =>
  ({ op, run: (x) => run(x.tensor(0), x.tensor(1)) }) as Kernel<Name> as Kernel<K>;

export const binaryKernels = {
  add: binary("add", tf.add),
  sub: binary("sub", tf.sub),
  mul: binary("mul", tf.mul),
  div: binary("div", tf.div),
  max: binary("max", tf.maximum),
  min: binary("min", tf.minimum),
  eq: binary("eq", tf.equal),
  lt: binary("lt", tf.less),
  le: binary("le", tf.lessEqual),
  and: binary("and", tf.logicalAnd),
  or: binary("or", tf.logicalOr),
} satisfies KernelTable;
