import { argmax, concat, eq, gather, iota, type Node, where } from "@fusewire/ir";

/**
 * The `count` largest keys of each row [B, V] in falling order, with their tokens i32[B, count] and the sums that stand
 * beside them. Equal keys go by token. One pass over the row for each, for sorting a vocabulary costs more than a few
 * passes.
 */
export function topOfRows(
  keys: Node,
  sums: Node,
  count: number,
): { readonly keys: Node; readonly sums: Node; readonly tokens: Node } {
  const vocabulary = keys.type.shape[1]!;
  const token = iota(keys.table, vocabulary);
  const found: Node[] = [];
  for (let rest = keys; found.length < Math.min(count, vocabulary); ) {
    const best = argmax(rest);
    found.push(best);
    rest = where(eq(token, best), Number.NEGATIVE_INFINITY, rest);
  }
  const tokens = concat(found, 1);
  return { keys: gather(keys, tokens, 1), sums: gather(sums, tokens, 1), tokens };
}
