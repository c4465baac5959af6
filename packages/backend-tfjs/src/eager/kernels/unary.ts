import * as tf from "@tensorflow/tfjs-core";
import type { Kernel, KernelTable } from "../kernel.ts";

type Name = "neg" | "exp" | "log" | "sqrt" | "rsqrt" | "tanh" | "not" | "silu" | "relu" | "gelu_tanh";

const unary = <K extends Name>(op: K, run: (x: tf.Tensor) => tf.Tensor) =>
  ({ op, run: (x) => run(x.tensor(0)) }) as Kernel<Name> as Kernel<K>;

export const unaryKernels = {
  neg: unary("neg", tf.neg),
  exp: unary("exp", tf.exp),
  log: unary("log", tf.log),
  sqrt: unary("sqrt", tf.sqrt),
  rsqrt: unary("rsqrt", tf.rsqrt),
  tanh: unary("tanh", tf.tanh),
  not: unary("not", tf.logicalNot),
  silu: unary("silu", (x) => tf.mul(x, tf.sigmoid(x))),
  relu: unary("relu", tf.relu),
  gelu_tanh: unary("gelu_tanh", (x) => {
    const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
  }),
} satisfies KernelTable;
