import type { Shape } from "@fusewire/ir";
import * as tf from "@tensorflow/tfjs-core";
import type { Kernel, Operands } from "../kernel.ts";
import { spread } from "./shapes.ts";

export const whereKernel: Kernel<"where"> = {
  op: "where",
  run: (x, _attrs, { dtype, shape }) =>
    tf.where(
      spread(x.tensor(0), shape),
      branch(x, 1, shape, dtype === "bool"),
      branch(x, 2, shape, dtype === "bool"),
    ),
};

/** One branch in full size: tfjs would tile it, which on most backends costs more than the choice itself. */
function branch(x: Operands, k: number, shape: Shape, bool: boolean): tf.Tensor {
  const known = x.known(k);
  return known?.data.length === 1
    ? tf.fill([...shape], known.data[0]!, bool ? "bool" : "float32")
    : spread(x.tensor(k), shape);
}
