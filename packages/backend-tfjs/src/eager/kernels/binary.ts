import * as tf from "@tensorflow/tfjs-core";
import type { Kernel, KernelTable } from "../kernel.ts";
import { full, onWasm } from "./shapes.ts";

type Name = "add" | "sub" | "mul" | "div" | "max" | "min" | "eq" | "lt" | "le" | "and" | "or";
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const broadcasting = <K extends Name>(op: K, run: Binary) =>
  ({ op, run: (x) => run(x.tensor(0), x.tensor(1)) }) as Kernel<Name> as Kernel<K>;

/** The wasm backend reads past the end of the smaller operand here; it broadcasts in arithmetic alone. */
const aligned = <K extends Name>(op: K, run: Binary) =>
  ({
    op,
    run: (x, _attrs, { shape }) =>
      onWasm() ? run(full(x, 0, shape), full(x, 1, shape)) : run(x.tensor(0), x.tensor(1)),
  }) as Kernel<Name> as Kernel<K>;

export const binaryKernels = {
  add: broadcasting("add", tf.add),
  sub: broadcasting("sub", tf.sub),
  mul: broadcasting("mul", tf.mul),
  div: broadcasting("div", tf.div),
  max: aligned("max", tf.maximum),
  min: aligned("min", tf.minimum),
  eq: aligned("eq", tf.equal),
  lt: aligned("lt", tf.less),
  le: aligned("le", tf.lessEqual),
  and: aligned("and", tf.logicalAnd),
  or: aligned("or", tf.logicalOr),
} satisfies KernelTable;
