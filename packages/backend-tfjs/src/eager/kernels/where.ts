import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";
import { full } from "./shapes.ts";

/** All three in full shape: tfjs would tile what is smaller, which can cost more than the choice itself. */
export const whereKernel: Kernel<"where"> = {
  op: "where",
  run: (x, _attrs, { shape }) => tf.where(full(x, 0, shape), full(x, 1, shape), full(x, 2, shape)),
};
