import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";

/** topk orders equal elements by index on the cpu and wasm backends, so it sorts as `argsort` does. */
export const argsortKernel: Kernel<"argsort"> = {
  op: "argsort",
  run: (x, { descending }, { shape }) => {
    const line = x.tensor(0);
    return tf.topk(descending ? line : tf.neg(line), shape[shape.length - 1]!, true).indices;
  },
};
