import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";

export const softmaxKernel: Kernel<"softmax"> = {
  op: "softmax",
  run: (x) => tf.softmax(x.tensor(0)),
};
