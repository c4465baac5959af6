import {
  concat,
  groupScales,
  integers,
  type Node,
  NodeTable,
  param,
  quantizeRows,
  tensorType,
  toValue,
} from "@fusewire/ir";
import { expect, test } from "vitest";
import { createPreparer, evaluatePrepared } from "./prepare.ts";

const table = new NodeTable();
const layout = integers(4, 32);
const type = tensorType("f32", [3, 64]);
const numbers = (seed: number) => Array.from({ length: 192 }, (_, k) => Math.sin(seed + k * k));
const source = async (name: string) => toValue(type, numbers(name.length));

const part = (name: string): { readonly codes: Node; readonly scales: Node } => {
  const weight = param(table, name, type);
  const scales = groupScales(weight, layout, true);
  return { scales, codes: quantizeRows(weight, scales, layout) };
};

test("codes and scales, of one weight or of several joined, are those of the ops, and each scale is searched once", async () => {
  const [a, b] = [part("a"), part("bb")];
  const joined = [concat([a.codes, b.codes], 0), concat([a.scales, b.scales], 0)];
  const searched: Node[] = [];
  const reads: string[] = [];
  const prepare = createPreparer(
    async (name) => {
      reads.push(name);
      return source(name);
    },
    async (scales, from) => {
      searched.push(scales);
      return evaluatePrepared(scales, from);
    },
  );
  for (const node of joined) expect(await prepare(node)).toEqual(await evaluatePrepared(node, source));
  expect(searched).toEqual([a.scales, b.scales]);
  // Codes and their scales are of one reading.
  expect(reads).toEqual(["a", "bb"]);
});

test("what is not quantized is computed as it is", async () => {
  const node = concat([param(table, "a", type), param(table, "bb", type)], 0);
  expect(await createPreparer(source)(node)).toEqual(await evaluatePrepared(node, source));
});
