import {
  type Activation,
  concat,
  dequantize,
  gather,
  groupScales,
  isNode,
  type Node,
  quantizedMatmul,
  quantizeRows,
} from "@fusewire/ir";
import { mapEntries, type Pass } from "../pass.ts";

/** Bits of an activation: seven, so that SIMD products of bytes are exact on every CPU. */
const ACTIVATION_BITS = 7;

/**
 * product(x, dequantize(codes, scales)) => quantized_matmul(quantize_rows(x), codes): the full matrix is never written.
 * It rounds activations to integers as well, so it runs only where quantized weights were asked for by their dtype.
 * On the way joined matrices become joined codes, and rows picked from a matrix codes that are picked.
 */
export const fuseDequantize: Pass = {
  name: "fuse_dequantize",
  run: (module) =>
    mapEntries(module, () => (node) => {
      if (isNode(node, "concat")) return joined(node) ?? node;
      if (isNode(node, "gather")) {
        const [source, index] = node.inputs as readonly [Node, Node];
        if (node.attrs.batch !== 0 || !isNode(source, "dequantize")) return node;
        const [codes, scales] = source.inputs as readonly [Node, Node];
        const { group, bits } = source.attrs;
        return dequantize(gather(codes, index), gather(scales, index), group, bits);
      }
      return product(node) ?? node;
    }),
};

function joined(node: Node & { readonly op: "concat" }): Node | undefined {
  const [first] = node.inputs;
  if (node.attrs.axis !== 0 || !first || !isNode(first, "dequantize")) return undefined;
  const { group, bits } = first.attrs;
  const alike = node.inputs.every(
    (part) => isNode(part, "dequantize") && part.attrs.group === group && part.attrs.bits === bits,
  );
  if (!alike) return undefined;
  const part = (side: number) =>
    concat(
      node.inputs.map((input) => input.inputs[side]!),
      0,
    );
  return dequantize(part(0), part(1), group, bits);
}

function product(node: Node): Node | undefined {
  const [x, weight, ...rest] = node.inputs;
  if (!x || !weight || !isNode(weight, "dequantize") || weight.type.shape.length !== 2) return undefined;
  const { group, bits } = weight.attrs;
  if (bits === 7) return undefined;
  const [codes, scales] = weight.inputs as readonly [Node, Node];
  const multiply = (options: Epilogue): Node => {
    const xScales = groupScales(x, group, ACTIVATION_BITS);
    const rows = quantizeRows(x, xScales, group, ACTIVATION_BITS);
    return quantizedMatmul(rows, xScales, codes, scales, { group, bits, ...options });
  };
  if (isNode(node, "matmul")) return node.attrs.transposeB ? multiply({}) : undefined;
  if (isNode(node, "linear")) {
    const { activation, bias, residual } = node.attrs;
    return multiply({
      activation: activation as Activation,
      bias: bias ? rest[0] : undefined,
      residual: residual ? rest.at(-1) : undefined,
    });
  }
  if (!isNode(node, "gated_linear")) return undefined;
  return multiply({ activation: node.attrs.activation as Activation, bias: rest[0], gated: true });
}

interface Epilogue {
  readonly activation?: Activation;
  readonly bias?: Node | undefined;
  readonly residual?: Node | undefined;
  readonly gated?: boolean;
}
