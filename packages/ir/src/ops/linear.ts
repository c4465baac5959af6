import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape } from "../type.ts";
import type { Value } from "../value.ts";
import { type Activation, activationOf } from "./activation.ts";
import { add } from "./binary.ts";
import { epilogueOf } from "./epilogue.ts";
import { matmul, matmulOp } from "./matmul.ts";

interface LinearAttrs {
  readonly activation: string;
  readonly bias: boolean;
  readonly residual: boolean;
}

declare module "../node.ts" {
  interface OpAttrs {
    linear: LinearAttrs;
  }
}

export const linearOp = defineOp<"linear">({
  name: "linear",
  arity: [2, 4],
  attrs: { activation: "string", bias: "bool", residual: "bool" },
  infer: ([x, weight, ...rest], { activation, bias, residual }) => {
    activationOf(activation);
    const out = matmulOp.infer([x!, weight!], { transposeB: true });
    if (weight!.shape.length !== 2) throw new FusewireError("the weight must be a matrix [out, in]");
    if (rest.length !== Number(bias) + Number(residual))
      throw new FusewireError("bias and residual do not match the inputs");
    if (rest.some(({ dtype }) => dtype !== "f32")) throw new FusewireError("bias and residual must be f32");
    const given = epilogueOf(rest, { bias, residual });
    if (given.bias && !sameShape(given.bias.shape, weight!.shape.slice(0, 1)))
      throw new FusewireError(`the bias must be f32[${weight!.shape[0]}]`);
    if (given.residual && !sameShape(given.residual.shape, out.shape))
      throw new FusewireError(`the residual must be f32[${out.shape}]`);
    return out;
  },
  evaluate: ([x, weight, ...rest], attrs, type) => {
    const product = matmulOp.evaluate!([x!, weight!], { transposeB: true }, type);
    return finish(product, rest, attrs);
  },
  expand: ([x, weight, ...rest], attrs) => {
    const { bias, residual } = epilogueOf(rest, attrs);
    const product = matmul(x!, weight!, { transposeB: true });
    const y = activationOf(attrs.activation).apply(bias ? add(product, bias) : product);
    return residual ? add(y, residual) : y;
  },
});

function finish(product: Value, rest: readonly Value[], attrs: LinearAttrs): Value {
  const { bias, residual } = epilogueOf(rest, attrs);
  const { scalar } = activationOf(attrs.activation);
  const data = product.data;
  const n = product.type.shape[product.type.shape.length - 1]!;
  for (let i = 0; i < data.length; i++) {
    // Not + 0 where there is no bias: it would make 0 of -0.
    const y = scalar(bias ? Math.fround(data[i]! + bias.data[i % n]!) : data[i]!);
    data[i] = residual ? Math.fround(y) + residual.data[i]! : y;
  }
  return product;
}

/**
 * activation(x · weightᵀ + bias) + residual, the product with its epilogue. x: f32[…, m, k]; weight: f32[n, k];
 * bias: f32[n]; residual: f32[…, m, n].
 */
export function linear(
  x: Node,
  weight: Node,
  { activation = "none", bias, residual }: { activation?: Activation; bias?: Node; residual?: Node } = {},
): Node {
  const extras = [bias, residual].filter((node) => node !== undefined);
  return emit(linearOp, [x, weight, ...extras], { activation, bias: !!bias, residual: !!residual });
}
