import { argmax, concat, eq, gather, iota, max, type Node, where } from "@fusewire/ir";

/** The most inputs that a concat takes. */
const AT_ONCE = 64;
/** Below every finite sum of logarithms and above -inf, so that what processors forbid is told from what was taken. */
const FORBIDDEN = -3.4028234663852886e38;

/**
 * The `count` largest keys of each row [B, V] in falling order (all V where there are fewer), with their tokens
 * i32[B, count] and the sums that stand beside them. No token is taken twice, also where fewer than `count` keys are
 * finite. Equal keys go by token. One pass over the row for each, for sorting a vocabulary costs more than a few passes.
 */
export function topOfRows(
  keys: Node,
  sums: Node,
  count: number,
): { readonly keys: Node; readonly sums: Node; readonly tokens: Node } {
  const vocabulary = keys.type.shape[1]!;
  const token = iota(keys.table, vocabulary);
  const found: Node[] = [];
  for (let rest = max(keys, FORBIDDEN); found.length < Math.min(count, vocabulary); ) {
    const best = argmax(rest);
    found.push(best);
    rest = where(eq(token, best), Number.NEGATIVE_INFINITY, rest);
  }
  const tokens = joined(found);
  return { keys: gather(keys, tokens, 1), sums: gather(sums, tokens, 1), tokens };
}

/** Columns side by side, however many. */
function joined(columns: readonly Node[]): Node {
  if (columns.length <= AT_ONCE) return concat([...columns], 1);
  const parts: Node[] = [];
  for (let from = 0; from < columns.length; from += AT_ONCE)
    parts.push(concat(columns.slice(from, from + AT_ONCE), 1));
  return joined(parts);
}
