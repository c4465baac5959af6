import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";
import { full } from "./shapes.ts";

/** All three in full shape: tfjs would tile what is smaller, which can cost more than the choice itself. */
export const whereKernel: Kernel<"where"> = {
  op: "where",
  run: (x, _attrs, { dtype, shape }) => {
    const [condition, a, b] = [0, 1, 2].map((k) => full(x, k, shape)) as [tf.Tensor, tf.Tensor, tf.Tensor];
    if (dtype !== "bool") return tf.where(condition, a, b);
    // The wasm backend's `where` takes every tensor for floats and would write past the end of bools.
    return tf.logicalOr(tf.logicalAnd(condition, a), tf.logicalAnd(tf.logicalNot(condition), b));
  },
};
