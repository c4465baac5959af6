import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";
import { cut } from "./shapes.ts";

export const rotaryKernel: Kernel<"rotary"> = {
  op: "rotary",
  run: (x, _attrs, { shape }) => {
    const [b, , t, d] = shape as [number, number, number, number];
    const half = d / 2;
    const cos = tf.reshape(x.tensor(1), [b, 1, t, half]);
    const sin = tf.reshape(x.tensor(2), [b, 1, t, half]);
    const low = cut(x.tensor(0), 3, 0, half);
    const high = cut(x.tensor(0), 3, half, half);
    const first = tf.sub(tf.mul(low, cos), tf.mul(high, sin));
    const second = tf.add(tf.mul(high, cos), tf.mul(low, sin));
    return tf.concat([first, second], 3);
  },
};
