import * as tf from "@tensorflow/tfjs-core";
import type { KernelTable } from "../kernel.ts";

export const normKernels = {
  rms_norm: {
    op: "rms_norm",
    run: (x, { eps }) => {
      const lines = x.tensor(0);
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(lines), -1, true), eps));
      return tf.mul(tf.mul(lines, scale), x.tensor(1));
    },
  },
  layer_norm: {
    op: "layer_norm",
    run: (x, { eps }) => {
      const lines = x.tensor(0);
      const centred = tf.sub(lines, tf.mean(lines, -1, true));
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps));
      return tf.add(tf.mul(tf.mul(centred, scale), x.tensor(1)), x.tensor(2));
    },
  },
} satisfies KernelTable;
