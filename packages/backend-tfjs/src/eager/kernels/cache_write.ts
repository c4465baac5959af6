import { OPS, type OpAttrs, type Shape, sizeOf, type Value } from "@fusewire/ir";
import * as tf from "@tensorflow/tfjs-core";
import type { Kernel, Operands } from "../kernel.ts";

export const cacheWriteKernel: Kernel<"cache_write"> = {
  op: "cache_write",
  onHost: [1, 2, 3],
  run: (x, attrs, { shape }) => {
    const { axis, ring } = attrs;
    // The cpu backend's scatter changes the tensor it is given instead of a copy.
    if (tf.getBackend() === "cpu") return writeOnHost(x, attrs, shape);
    const values = x.tensor(4);
    const { from, to } = entries(x, axis, shape, values.shape, ring);
    if (to.length === 0) return tf.clone(x.tensor(0));
    const inner = sizeOf(shape.slice(axis + 1));
    const all = tf.reshape(values, [-1, inner]);
    const updates = from.length === all.shape[0] ? all : tf.gather(all, tf.tensor1d(from, "int32"));
    const slots = tf.reshape(x.tensor(0), [-1, inner]);
    // One copy of the cache: 0.17 ms for 1x3x2048x64, where slices and concat take 2.4 ms.
    const written = tf.tensorScatterUpdate(slots, tf.tensor2d(to, [to.length, 1], "int32"), updates);
    return tf.reshape(written, [...shape]);
  },
};

/** Which entry of the values goes to which slot, both counted in entries of `inner` elements. */
function entries(
  x: Operands,
  axis: number,
  shape: Shape,
  valueShape: Shape,
  ring: boolean,
): { from: number[]; to: number[] } {
  const [rows, at, count] = [1, 2, 3].map((k) => x.value(k).data) as [
    Value["data"],
    Value["data"],
    Value["data"],
  ];
  const perRow = sizeOf(shape.slice(1, axis));
  const slots = shape[axis]!;
  const n = valueShape[axis]!;
  const from: number[] = [];
  const to: number[] = [];
  for (const [b, row] of rows.entries()) {
    if (row < 0 || row >= shape[0]!) continue;
    for (let o = 0; o < perRow; o++)
      for (let t = 0; t < Math.min(n, count[b]!); t++) {
        const index = at[b]! + t;
        if (index < 0 || (!ring && index >= slots)) continue;
        from.push((b * perRow + o) * n + t);
        to.push((row * perRow + o) * slots + (index % slots));
      }
  }
  return { from, to };
}

function writeOnHost(x: Operands, attrs: OpAttrs["cache_write"], shape: Shape): tf.Tensor {
  const read = (k: number): Value => {
    const tensor = x.tensor(k);
    return { type: { dtype: "f32", shape: tensor.shape }, data: tensor.dataSync<"float32">() };
  };
  const inputs = [read(0), x.value(1), x.value(2), x.value(3), read(4)];
  const { data } = OPS.cache_write.evaluate!(inputs, attrs, { dtype: "f32", shape });
  return tf.tensor(data as Float32Array, [...shape]);
}
