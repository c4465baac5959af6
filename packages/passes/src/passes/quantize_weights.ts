import {
  concat,
  dequantize,
  groupScales,
  integers,
  isNode,
  type Node,
  quantizeRows,
  topological,
  withInputs,
} from "@fusewire/ir";
import { mapEntries, type Pass } from "../rewrite/pass.ts";
import { closedNodes } from "../rewrite/users.ts";

/** How weights are quantized while they are loaded. */
export interface Quantization {
  /** Bits of a weight. */
  readonly bits: 8 | 4;
  /** Neighbours in a row that share a scale; `row` for all of them. */
  readonly group: number | "row";
}

/**
 * W => dequantize(quantize(W)) for every matrix that products multiply by or embeddings are picked from: rounding a
 * weight to few bits is a rewrite of the graph, and hoist_prepare does it once while loading. Rows that the groups do
 * not divide stay as they are.
 */
export const quantizeWeights = ({ bits, group }: Quantization): Pass => ({
  name: "quantize_weights",
  run: (module) =>
    mapEntries(module, (entry) => {
      const closed = closedNodes(entry);
      return (node, original) => {
        const side = weightSide(node);
        const weight = side === undefined ? undefined : node.inputs[side];
        if (side === undefined || !weight || !closed.has(original.inputs[side]!)) return node;
        if (!isStoredMatrix(weight) || weight.type.shape[1]! % groupOf(weight, group) !== 0) return node;
        const inputs = node.inputs.map((input, k) =>
          k === side ? quantize(weight, { bits, group }) : input,
        );
        return withInputs(node, inputs);
      };
    }),
});

const groupOf = (weight: Node, group: Quantization["group"]): number =>
  group === "row" ? weight.type.shape[1]! : group;

/** The input that is a weight: of a product with a stored matrix, or of an embedding. */
function weightSide(node: Node): number | undefined {
  if (isNode(node, "gather")) return node.attrs.batch === 0 ? 0 : undefined;
  if (isNode(node, "matmul")) return node.attrs.transposeB ? 1 : undefined;
  return node.op === "linear" || node.op === "gated_linear" ? 1 : undefined;
}

/** A matrix that comes from the checkpoint, unlike a table of angles. */
const isStoredMatrix = (node: Node): boolean =>
  node.type.dtype === "f32" &&
  node.type.shape.length === 2 &&
  topological([node]).some(({ op }) => op === "param");

/** Rows are quantized one by one, so joined matrices are quantized before they are joined: one at a time in memory. */
function quantize(weight: Node, quantization: Quantization): Node {
  if (isNode(weight, "concat") && weight.attrs.axis === 0)
    return concat(
      weight.inputs.map((part) => quantize(part, quantization)),
      0,
    );
  // What the checkpoint stores quantized, alone or joined with others by fuse_qkv, stays so.
  if (weight.op === "dequantize") return weight;
  const layout = integers(quantization.bits, groupOf(weight, quantization.group));
  // Few bits deserve a search for the best scale; with 8 the largest element decides.
  const scales = groupScales(weight, layout, layout.bits === 4);
  return dequantize(quantizeRows(weight, scales, layout), scales, layout);
}
