import * as tf from "@tensorflow/tfjs-core";
import type { Kernel, KernelTable } from "../kernel.ts";

const argmax: Kernel<"argmax"> = {
  op: "argmax",
  run: (x, { axis }, type) => {
    const scores = x.tensor(0);
    // tfjs lets a NaN that comes first win; by the op's rule NaN never does.
    const ordered = tf.where(tf.isNaN(scores), tf.fill(scores.shape, Number.NEGATIVE_INFINITY), scores);
    return tf.reshape(tf.argMax(ordered, axis), [...type.shape]);
  },
};

export const reduceKernels: KernelTable = {
  reduce_sum: { op: "reduce_sum", run: (x, { axis }) => tf.sum(x.tensor(0), axis, true) },
  reduce_max: { op: "reduce_max", run: (x, { axis }) => tf.max(x.tensor(0), axis, true) },
  cumsum: { op: "cumsum", run: (x, { axis }) => tf.cumsum(x.tensor(0), axis) },
  argmax,
};
