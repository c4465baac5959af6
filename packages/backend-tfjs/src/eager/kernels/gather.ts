import { sizeOf } from "@fusewire/ir";
import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";

export const gatherKernel: Kernel<"gather"> = {
  op: "gather",
  onHost: [1],
  run: (x, { batch }, { shape }) => {
    const source = x.tensor(0);
    const { data } = x.value(1);
    const transposed = x.transposed(0);
    const n = source.shape[transposed ? 1 : batch]!;
    const batches = sizeOf(source.shape.slice(0, batch));
    const perBatch = data.length / batches;
    const index = new Int32Array(data.length);
    for (const [i, k] of data.entries()) {
      // tfjs refuses or ignores what is out of range, depending on the backend; the op reads the nearest end.
      const clamped = Math.min(n - 1, Math.max(0, k));
      // All batches as one: the wasm backend's gather with batch axes misreads an axis of size 1.
      index[i] = Math.floor(i / perBatch) * n + clamped;
    }
    const picked = transposed
      ? tf.transpose(tf.gather(source, index, 1))
      : tf.gather(tf.reshape(source, [batches * n, -1]), index);
    return tf.reshape(picked, [...shape]);
  },
};
