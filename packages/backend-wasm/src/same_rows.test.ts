/** Same row, same bits: what a row gives does not depend on the rows beside it, its place or how many slots there are. */

import type { DType, Node, Tracer, Value } from "@fusewire/ir";
import * as ops from "@fusewire/ir";
import { CACHE_DTYPES, randomValue } from "@fusewire/ir/testing";
import { computeWith } from "@fusewire/passes/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { check, onEachVariant, size } from "./testing/arbitrary.ts";

const bits = ({ data }: Value): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** Rows from..from+count-1 of a value. */
function rowsOf({ type, data }: Value, from: number, count: number): Value {
  const width = data.length / type.shape[0]!;
  return {
    type: { dtype: type.dtype, shape: [count, ...type.shape.slice(1)] },
    data: data.slice(from * width, (from + count) * width),
  };
}

const rows = fc.oneof(size(9), fc.constantFrom(21, 64));

onEachVariant((engine) => {
  test("products, gated products and norms", () =>
    check(fc.tuple(rows, size(60), size(130), fc.nat()), async ([m, n, k, pick], seed) => {
      const x = randomValue({ dtype: "f32", shape: [m, k] }, seed);
      const w = randomValue({ dtype: "f32", shape: [2 * n, k] }, seed + 1);
      const norm = randomValue({ dtype: "f32", shape: [k] }, seed + 2);
      const build = (t: Tracer, input: Value): Node => {
        const normed = ops.rmsNorm(t.input("x", input.type), t.input("norm", norm.type), 1e-5);
        const gated = ops.gatedLinear(normed, t.input("w", w.type), "silu");
        const plain = ops.matmul(normed, t.input("w", w.type), { transposeB: true });
        return ops.concat([ops.softmax(gated), plain], 1);
      };
      const whole = await computeWith(engine(), (t) => build(t, x), { inputs: { x, w, norm } });
      const from = pick % m;
      const count = 1 + (seed % (m - from));
      const part = rowsOf(x, from, count);
      const alone = await computeWith(engine(), (t) => build(t, part), { inputs: { x: part, w, norm } });
      expect(bits(alone).equals(bits(rowsOf(whole, from, count)))).toBe(true);
    }));

  test("attention: alone, in a batch, in a chunk, over another capacity", () =>
    check(
      fc.record({
        batch: size(3),
        length: size(6),
        width: fc.constantFrom(5, 8, 64),
        more: size(40),
        pick: fc.nat(),
        slots: fc.constantFrom(12, 200),
        dtype: fc.constantFrom(...CACHE_DTYPES),
      }),
      async ({ batch, length, width, more, pick, slots, dtype }, seed) => {
        const random = (dtype: DType, shape: readonly number[], k: number) =>
          randomValue({ dtype, shape }, seed + k);
        const q = random("f32", [batch, 4, length, width], 0);
        const caches: Record<string, Value> = {
          keys: random(dtype, [batch, 2, slots, width], 1),
          values: random(dtype, [batch, 2, slots, width], 2),
          ...(dtype === "i8" && {
            keyScales: random("f32", [batch, 2, slots, 1], 3),
            valueScales: random("f32", [batch, 2, slots, 1], 4),
          }),
        };
        const run = (numbers: readonly number[], shape: readonly number[]) =>
          ops.toValue({ dtype: "i32", shape }, numbers);
        const highs = Array.from({ length: batch * length }, (_, k) => (k * 53 + seed) % slots);
        // Some runs begin with the cache, others anywhere.
        const lows = highs.map((high, k) => (k % 3 === 0 ? 0 : Math.floor((high * (k % 7)) / 7)));
        const build = (t: Tracer, inputs: Readonly<Record<string, Value>>): Node => {
          const [a, b, c, d, e, f] = ["q", "keys", "values", "rows", "lo", "hi"].map((name) =>
            t.input(name, inputs[name]!.type),
          );
          const scales = ["keyScales", "valueScales"].flatMap((name) =>
            inputs[name] ? [t.input(name, inputs[name].type)] : [],
          );
          return ops.attention(a!, b!, c!, d!, e!, f!, { scale: 0.01, scales });
        };
        const attend = (inputs: Readonly<Record<string, Value>>) =>
          computeWith(engine(), (t) => build(t, inputs), { inputs });
        const whole = await attend({
          q,
          ...caches,
          rows: run(
            Array.from({ length: batch }, (_, b) => b),
            [batch],
          ),
          lo: run(lows, [batch, length]),
          hi: run(highs, [batch, length]),
        });
        const [b, t] = [pick % batch, (pick >> 3) % length];
        const query = (value: Value): Float32Array => {
          const [, heads, steps, d] = value.type.shape as [number, number, number, number];
          const at = steps === 1 ? [0, 0] : [b, t];
          return Float32Array.from({ length: heads * d }, (_, i) => {
            const head = Math.floor(i / d);
            return value.data[((at[0]! * heads + head) * steps + at[1]!) * d + (i % d)]!;
          });
        };
        const wider = (cache: Value): Value => {
          const d = cache.type.shape[3]!;
          const out = random(cache.type.dtype, [batch + 1, 2, slots + more, d], 7);
          for (let part = 0; part < 2; part++)
            out.data.set(
              cache.data.subarray((b * 2 + part) * slots * d, (b * 2 + part + 1) * slots * d),
              (batch * 2 + part) * (slots + more) * d,
            );
          return out;
        };
        const alone = await attend({
          q: ops.toValue(
            { dtype: "f32", shape: [1, 4, 1, width] },
            length === 1 ? q.data.slice(b * 4 * width, (b + 1) * 4 * width) : query(q),
          ),
          ...Object.fromEntries(Object.entries(caches).map(([name, cache]) => [name, wider(cache)])),
          rows: run([batch], [1]),
          lo: run([lows[b * length + t]!], [1, 1]),
          hi: run([highs[b * length + t]!], [1, 1]),
        });
        const expected = length === 1 ? whole.data.slice(b * 4 * width, (b + 1) * 4 * width) : query(whole);
        expect([...alone.data]).toEqual([...expected]);
      },
    ));
});
