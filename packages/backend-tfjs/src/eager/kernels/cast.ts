import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";

/** Only to f32, and only what is in tfjs: bools, and f16 and bf16, which are f32 there already. */
export const castKernel: Kernel<"cast"> = {
  op: "cast",
  run: (x) => tf.cast(x.tensor(0), "float32"),
};
