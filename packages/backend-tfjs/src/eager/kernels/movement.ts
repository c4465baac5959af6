import * as tf from "@tensorflow/tfjs-core";
import type { KernelTable } from "../kernel.ts";
import { cut, spread } from "./shapes.ts";

export const movementKernels = {
  reshape: { op: "reshape", run: (x, { shape }) => tf.reshape(x.tensor(0), [...shape]) },
  transpose: { op: "transpose", run: (x, { perm }) => tf.transpose(x.tensor(0), [...perm]) },
  broadcast_to: { op: "broadcast_to", run: (x, { shape }) => spread(x.tensor(0), shape) },
  slice: {
    op: "slice",
    run: (x, { starts, sizes }) => {
      const whole = x.tensor(0);
      const axes = sizes.flatMap((size, k) => (size === whole.shape[k] ? [] : [k]));
      const [axis] = axes;
      return axis !== undefined && axes.length === 1
        ? cut(whole, axis, starts[axis]!, sizes[axis]!)
        : tf.slice(whole, [...starts], [...sizes]);
    },
  },
  concat: {
    op: "concat",
    run: (x, { axis }) =>
      tf.concat(
        Array.from({ length: x.count }, (_, k) => x.tensor(k)),
        axis,
      ),
  },
} satisfies KernelTable;
