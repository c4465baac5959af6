import { sizeOf } from "@fusewire/ir";
import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";

export const gatherKernel: Kernel<"gather"> = {
  op: "gather",
  onHost: [1],
  run: (x, { batch }, type) => {
    const source = x.tensor(0);
    const { data } = x.value(1);
    const rest = source.shape.slice(batch);
    const transposed = x.transposed(0);
    const n = transposed ? source.shape[1]! : rest[0]!;
    // tfjs refuses or ignores what is out of range, depending on the backend; the op reads the nearest end.
    const index = Int32Array.from(data, (k) => Math.min(n - 1, Math.max(0, k)));
    if (transposed) return tf.reshape(tf.transpose(tf.gather(source, index, 1)), [...type.shape]);
    const row = sizeOf(rest.slice(1));
    if (batch === 0) return tf.reshape(tf.gather(tf.reshape(source, [n, row]), index), [...type.shape]);
    const batches = sizeOf(source.shape.slice(0, batch));
    const picked = tf.gather(
      tf.reshape(source, [batches, n, row]),
      tf.tensor2d(index, [batches, index.length / batches]),
      1,
      1,
    );
    return tf.reshape(picked, [...type.shape]);
  },
};
