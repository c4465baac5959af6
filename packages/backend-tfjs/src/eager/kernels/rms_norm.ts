import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";

export const rmsNormKernel: Kernel<"rms_norm"> = {
  op: "rms_norm",
  run: (x, { eps }) => {
    const lines = x.tensor(0);
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(lines), -1, true), eps));
    return tf.mul(tf.mul(lines, scale), x.tensor(1));
  },
};
