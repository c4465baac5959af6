import { emptyValue, type Value } from "@fusewire/ir";
import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";
import { product } from "./matmul.ts";
import { cut, spread } from "./shapes.ts";

/** The run of keys of every query, clipped to what the cache holds, and the slots that hold all of them. */
interface Runs {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly first: number;
  readonly last: number;
  /** Set when keys wrap round a ring: key j is in slot j mod this. */
  readonly wrap: number | undefined;
}

export const attentionKernel: Kernel<"attention"> = {
  op: "attention",
  onHost: [3, 4, 5],
  run: (x, { scale, softcap, ring }, { shape }) => {
    const q = x.tensor(0);
    const [batch, heads, length, d] = q.shape as [number, number, number, number];
    const [, groups, slots] = x.tensor(1).shape as [number, number, number];
    const runs = clip(x.value(4), x.value(5), slots, ring);
    const size = runs.last - runs.first + 1;
    if (size <= 0) return tf.zeros([...shape]);
    const part = (k: number) => cut(pickRows(x.tensor(k), x.value(3).data), 2, runs.first, size);
    // f16 is f32 here; bytes are widened as far as they are read.
    const read = (k: number, scales: number) =>
      x.count > scales ? tf.mul(tf.cast(part(k), "float32"), part(scales)) : part(k);
    // Query heads that share a key head become more rows of one product; keys and values are not repeated.
    const rows = (heads / groups) * length;
    const capped = softcap > 0 ? scale / softcap : scale;
    const scaled = tf.reshape(tf.mul(q, capped), [batch, groups, rows, d]);
    let scores = product(scaled, read(1, 6), true);
    if (softcap > 0) scores = tf.mul(tf.tanh(scores), softcap);
    scores = tf.reshape(scores, [batch, heads, length, size]);
    const mask = maskOf(runs, [batch, 1, length, size]);
    if (mask) scores = tf.add(scores, mask);
    const weights = tf.reshape(tf.softmax(scores), [batch, groups, rows, size]);
    const attended = tf.reshape(product(weights, read(2, 7), false), [...shape]);
    const empty = emptyOf(runs, [batch, 1, length, 1]);
    return empty ? tf.where(spread(empty, shape), tf.fill([...shape], 0), attended) : attended;
  },
};

function clip(lo: Value, hi: Value, slots: number, ring: boolean): Runs {
  // Until a ring wraps, key j is in slot j as in a flat cache.
  const wraps = ring && hi.data.some((j) => j >= slots);
  const to = Array.from(hi.data, (j) => (wraps ? j : Math.min(slots - 1, j)));
  const from = Array.from(lo.data, (j, i) => Math.max(0, j, wraps ? to[i]! - slots + 1 : 0));
  if (wraps) return { from, to, first: 0, last: slots - 1, wrap: slots };
  let first = slots;
  let last = -1;
  for (const [i, start] of from.entries())
    if (start <= to[i]!) {
      first = Math.min(first, start);
      last = Math.max(last, to[i]!);
    }
  return { from, to, first, last, wrap: undefined };
}

/** The cache rows that the queries read, one each; no copy when they are the whole cache in order. */
function pickRows(cache: tf.Tensor, rows: Value["data"]): tf.Tensor {
  const count = cache.shape[0]!;
  // A row outside the cache reads the nearest one, as the op does.
  const picked = Array.from(rows, (row) => Math.min(count - 1, Math.max(0, row)));
  if (picked.every((row, b) => row === picked[0]! + b)) return cut(cache, 0, picked[0]!, picked.length);
  return tf.concat(
    picked.map((row) => cut(cache, 0, row, 1)),
    0,
  );
}

/** 0 inside a run and -inf outside, to add to the scores; nothing when every query sees all keys. */
function maskOf(
  { from, to, first, last, wrap }: Runs,
  shape: [number, number, number, number],
): tf.Tensor | undefined {
  const size = last - first + 1;
  const seesAll = (start: number, i: number) =>
    wrap ? to[i]! - start + 1 === size : start === first && to[i] === last;
  if (from.every(seesAll)) return undefined;
  const value = emptyValue({ dtype: "f32", shape });
  for (const [i, start] of from.entries()) {
    // An empty run stays unmasked: softmax over nothing would give NaN, and its result is thrown away.
    if (start > to[i]!) continue;
    if (wrap) {
      value.data.fill(Number.NEGATIVE_INFINITY, i * size, (i + 1) * size);
      for (let j = start; j <= to[i]!; j++) value.data[i * size + (j % wrap)] = 0;
      continue;
    }
    value.data.fill(Number.NEGATIVE_INFINITY, i * size, i * size + start - first);
    value.data.fill(Number.NEGATIVE_INFINITY, i * size + to[i]! - first + 1, (i + 1) * size);
  }
  return tf.tensor(value.data as Float32Array, shape);
}

/** True for the queries whose run is empty; nothing when there are none. */
function emptyOf({ from, to }: Runs, shape: [number, number, number, number]): tf.Tensor | undefined {
  const empty = Uint8Array.from(from, (start, i) => Number(start > to[i]!));
  return empty.includes(1) ? tf.tensor(empty, shape, "bool") : undefined;
}
