import { type Activation, concat, isNode, type Node } from "@fusewire/ir";

/** activation(x · weightᵀ + bias), read from either op that multiplies by a stored matrix. */
export interface Product {
  readonly x: Node;
  /** f32[out, in] */
  readonly weight: Node;
  readonly bias?: Node;
  readonly activation: Activation;
}

/** The node as a product that can still take an epilogue: one without a residual, which comes last. */
export function asProduct(node: Node): Product | undefined {
  if (isNode(node, "matmul")) {
    const [x, weight] = node.inputs as readonly [Node, Node];
    const stored = node.attrs.transposeB && weight.type.shape.length === 2;
    return stored ? { x, weight, activation: "none" } : undefined;
  }
  if (isNode(node, "linear") && !node.attrs.residual) {
    const [x, weight, bias] = node.inputs as readonly [Node, Node, Node?];
    return { x, weight, ...(bias && { bias }), activation: node.attrs.activation as Activation };
  }
  return undefined;
}

/** Whether products can share one matrix: they read the same x, and all have a bias or none has. */
export const joinable = (a: Product, b: Product): boolean => a.x === b.x && !a.bias === !b.bias;

/** The rows of several products as one matrix, and their biases as one vector. */
export function joinRows(products: readonly Product[]): { weight: Node; bias?: Node } {
  const biases = products.flatMap(({ bias }) => bias ?? []);
  const weight = concat(
    products.map((product) => product.weight),
    0,
  );
  return biases.length > 0 ? { weight, bias: concat(biases, 0) } : { weight };
}

/** Whether matrix and bias depend on weights alone, so that joining them costs nothing at run time. */
export const isStored = ({ weight, bias }: Product, closed: ReadonlySet<Node>): boolean =>
  closed.has(weight) && (!bias || closed.has(bias));
