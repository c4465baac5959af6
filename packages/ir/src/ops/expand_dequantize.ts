/** `dequantize` in ops that every engine has, bit for bit: bits are taken out by exact arithmetic in floats. */
import type { Layout } from "../layouts/index.ts";
import type { Node } from "../node.ts";
import { add, min, mod, mul, sub } from "./binary.ts";
import { cast } from "./cast.ts";
import { constant } from "./constant.ts";
import { gather } from "./gather.ts";
import { iota } from "./iota.ts";
import { reshape, transpose } from "./movement.ts";

/** The inputs of a `dequantize`, by what they are. */
export interface Parts<T> {
  readonly codes: T;
  readonly scales: T;
  readonly zeros?: T | undefined;
  readonly order?: T | undefined;
}

export function expandDequantize({ codes, scales, zeros, order }: Parts<Node>, layout: Layout): Node {
  const { shape } = scales.type;
  const width = shape.at(-1)! * layout.group;
  const found = layout.packing === "bytes" ? cast(codes, "i32") : unpack(codes, layout, width);
  const values = layout.codebook
    ? gather(constant(codes.table, layout.codebook, "f32", [layout.codebook.length]), found)
    : cast(found, "f32");
  const grouped = reshape(values, [...shape, layout.group]);
  const [scale, zero] = [scales, zeros].map((part) => part && reshape(cast(part, "f32"), [...shape, 1]));
  const numbers =
    zero === undefined
      ? mul(grouped, scale!)
      : layout.zeros === "float"
        ? add(mul(grouped, scale!), zero)
        : mul(sub(grouped, zero), scale!);
  const rows = reshape(numbers, [...shape.slice(0, -1), width]);
  return order ? gatherLast(rows, order) : rows;
}

/** x[…, n] at index i32[k] of the last axis. */
function gatherLast(x: Node, index: Node): Node {
  const { shape } = x.type;
  const columns = transpose(reshape(x, [-1, shape.at(-1)!]), [1, 0]);
  return reshape(transpose(gather(columns, index), [1, 0]), [...shape.slice(0, -1), index.type.shape[0]!]);
}

/** Packed codes u8[…, bytes] as i32[…, width]. */
function unpack(codes: Node, { bits, packing, range }: Layout, width: number): Node {
  const { table } = codes;
  const bytes = cast(codes, "i32");
  const bit = mul(iota(table, width), bits);
  const from = mod(bit, 8);
  const at = cast(mul(cast(sub(bit, from), "f32"), 1 / 8), "i32");
  const first = gatherLast(bytes, at);
  // A code may go on in the next byte; where none does, that byte is multiplied away.
  const next = gatherLast(bytes, min(add(at, 1), bytes.type.shape.at(-1)! - 1));
  const word = packing === "low" ? add(first, mul(next, 256)) : add(mul(first, 256), next);
  const shift = packing === "low" ? from : sub(16 - bits, from);
  const powers = constant(
    table,
    Array.from({ length: 16 }, (_, k) => 2 ** -k),
    "f32",
    [16],
  );
  const shifted = cast(mul(cast(word, "f32"), gather(powers, shift)), "i32");
  const half = range === "unsigned" ? 0 : 2 ** (bits - 1);
  return sub(mod(add(shifted, half), 2 ** bits), half);
}
