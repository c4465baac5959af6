import {
  type Activation,
  cast,
  concat,
  defOf,
  dequantize,
  epilogueOf,
  gather,
  groupScales,
  isIntegers,
  isNode,
  matmul,
  mul,
  type Node,
  type NodeOf,
  q7,
  quantizedMatmul,
  quantizeRows,
  reduceSum,
  reshape,
  sameLayout,
  sub,
} from "@fusewire/ir";
import { mapEntries, type Pass } from "../rewrite/pass.ts";

/**
 * product(x, dequantize(codes, scales)) => quantized_matmul(quantize_rows(x), codes): the full matrix is never written.
 * It rounds activations to integers as well, so it runs only where quantized weights were asked for by their dtype.
 * On the way joined matrices become joined codes, and rows picked from a matrix codes that are picked. Products with
 * zeros are written out first, so the pass runs until nothing changes.
 */
export const fuseDequantize: Pass = {
  name: "fuse_dequantize",
  run: (module) =>
    mapEntries(module, () => (node) => {
      if (isNode(node, "concat")) return joined(node) ?? node;
      if (isNode(node, "gather")) {
        const [source, index] = node.inputs as readonly [Node, Node];
        // Rows are picked whole: of a vector, single codes would be, which have no group.
        const ofRows =
          isNode(source, "dequantize") && source.type.shape.length > 1 && !source.attrs.layout.permuted;
        if (node.attrs.batch !== 0 || !ofRows) return node;
        return withParts(source, (part) => gather(part, index));
      }
      return product(node) ?? node;
    }),
};

/** The matrix whose codes, scales and zeros are what `change` makes of those of `node`. */
function withParts(
  { inputs, attrs: { layout } }: NodeOf<"dequantize">,
  change: (part: Node, side: number) => Node,
): Node {
  const [codes, scales, zeros] = inputs.map(change) as [Node, Node, Node?];
  return dequantize(codes, scales, layout, { zeros });
}

function joined(node: NodeOf<"concat">): Node | undefined {
  const [first] = node.inputs;
  if (node.attrs.axis !== 0 || !first || !isNode(first, "dequantize")) return undefined;
  const { layout } = first.attrs;
  const alike = node.inputs.every(
    (part) => isNode(part, "dequantize") && sameLayout(part.attrs.layout, layout),
  );
  // Each part has an order of its own.
  if (!alike || layout.permuted) return undefined;
  return withParts(first, (_, side) =>
    concat(
      node.inputs.map((input) => input.inputs[side]!),
      0,
    ),
  );
}

/** Whether the op multiplies x by each row of a matrix. */
const multipliesRows = (node: Node): boolean =>
  node.op === "linear" || node.op === "gated_linear" || (isNode(node, "matmul") && node.attrs.transposeB);

function product(node: Node): Node | undefined {
  if (!multipliesRows(node)) return undefined;
  const [x, weight, ...rest] = node.inputs;
  if (!x || !weight || !isNode(weight, "dequantize") || weight.type.shape.length !== 2) return undefined;
  const stored = weight.attrs.layout;
  if (!isIntegers(stored) || stored.bits === 7) return undefined;
  const layout = { ...stored, zeros: "none" } as const;
  // Rows of seven bits, so that SIMD products of bytes are exact on every CPU.
  const ofRows = q7(layout.group);
  const [codes, scales, zeros] = weight.inputs as readonly [Node, Node, Node?];
  const xScales = groupScales(x, ofRows);
  const rows = quantizeRows(x, xScales, ofRows);
  const multiply = (options: Epilogue): Node =>
    quantizedMatmul(rows, xScales, codes, scales, { layout, ...options });
  if (isNode(node, "matmul"))
    return zeros ? sub(multiply({}), zeroTerm(rows, xScales, scales, zeros)) : multiply({});
  if (isNode(node, "linear")) {
    // The epilogue is for the difference.
    if (zeros) return defOf(node).expand!(node.inputs, node.attrs);
    const activation = node.attrs.activation as Activation;
    return multiply({ activation, ...epilogueOf(rest, node.attrs) });
  }
  if (!isNode(node, "gated_linear")) return undefined;
  if (zeros) return defOf(node).expand!(node.inputs, node.attrs);
  return multiply({ activation: node.attrs.activation as Activation, bias: rest[0], gated: true });
}

/**
 * What zeros take off a product: sum over k of x·(q - z) is that of x·q less z times the group's sum of x. Sums of
 * integers are exact; the small matrix of scale · zero is prepared once.
 */
function zeroTerm(rows: Node, xScales: Node, scales: Node, zeros: Node): Node {
  const { shape } = xScales.type;
  const groups = reshape(cast(rows, "f32"), [...shape, rows.type.shape.at(-1)! / shape.at(-1)!]);
  const sums = reshape(reduceSum(groups, shape.length), shape);
  return matmul(mul(sums, xScales), mul(scales, cast(zeros, "f32")), { transposeB: true });
}

interface Epilogue {
  readonly activation?: Activation;
  readonly bias?: Node | undefined;
  readonly residual?: Node | undefined;
  readonly gated?: boolean;
}
