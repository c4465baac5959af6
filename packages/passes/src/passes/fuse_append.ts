import { appendHeads, isNode, type Node, sameShape } from "@fusewire/ir";
import { mapEntries, type Pass } from "../rewrite/pass.ts";

/**
 * cache_write(cache, …, heads(x)) => append_heads(cache, …, x), where heads are columns of a projection, cut out,
 * split, turned by rotary or not, and rounded to the cache's f16 or not: what the projection holds goes to the cache in one launch.
 */
export const fuseAppend: Pass = {
  name: "fuse_append",
  run: (module) => mapEntries(module, () => (node) => fuse(node) ?? node),
};

function fuse(node: Node): Node | undefined {
  if (!isNode(node, "cache_write") || node.attrs.axis !== 2) return undefined;
  const [cache, rows, at, count, written] = node.inputs as readonly [Node, Node, Node, Node, Node];
  const [, , , d] = cache.type.shape;
  if (cache.type.shape.length !== 4) return undefined;
  // Pairs of 16-bit floats fill a word, which one thread writes.
  const rounded = node.type.dtype === "f16" && d! % 2 === 0 && isNode(written, "cast");
  const values = rounded ? written.inputs[0]! : written;
  if (values.type.dtype !== "f32" || (node.type.dtype !== "f32" && !rounded)) return undefined;
  const turned = isNode(values, "rotary") ? values : undefined;
  const source = columnsOf(turned ? turned.inputs[0]! : values);
  if (!source) return undefined;
  const angles = turned ? { cos: turned.inputs[1]!, sin: turned.inputs[2]! } : {};
  return appendHeads(cache, rows, at, count, source.x, source.start, { ring: node.attrs.ring, ...angles });
}

/** The projection [B, T, width] that heads [B, G, T, D] are columns of, and where they begin. */
function columnsOf(heads: Node): { readonly x: Node; readonly start: number } | undefined {
  const [batch, groups, length, d] = heads.type.shape as [number, number, number, number];
  const split =
    isNode(heads, "transpose") && sameShape(heads.attrs.perm, [0, 2, 1, 3]) ? heads.inputs[0]! : heads;
  // Where there is one token or one head, the order of the two does not show in memory.
  if (split === heads && length > 1 && groups > 1) return undefined;
  if (!isNode(split, "reshape")) return undefined;
  const columns = split.inputs[0]!;
  if (!sameShape(columns.type.shape, [batch, length, groups * d])) return undefined;
  if (!isNode(columns, "slice")) return { x: columns, start: 0 };
  const start = columns.attrs.starts[2]!;
  const x = columns.inputs[0]!;
  const whole = sameShape(x.type.shape.slice(0, 2), [batch, length]);
  return whole ? { x, start } : { x: columns, start: 0 };
}
