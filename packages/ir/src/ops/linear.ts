import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape } from "../type.ts";
import type { Value } from "../value.ts";
import { type Activation, activationOf } from "./activation.ts";
import { add } from "./binary.ts";
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
    if (bias && !sameShape(rest[0]!.shape, weight!.shape.slice(0, 1)))
      throw new FusewireError(`the bias must be f32[${weight!.shape[0]}]`);
    if (residual && !sameShape(rest[rest.length - 1]!.shape, out.shape))
      throw new FusewireError(`the residual must be f32[${out.shape}]`);
    return out;
  },
  evaluate: ([x, weight, ...rest], attrs, type) => {
    const product = matmulOp.evaluate!([x!, weight!], { transposeB: true }, type);
    return finish(product, rest, attrs);
  },
  expand: ([x, weight, ...rest], { activation, bias, residual }) => {
    let y = matmul(x!, weight!, { transposeB: true });
    if (bias) y = add(y, rest[0]!);
    y = activationOf(activation).apply(y);
    return residual ? add(y, rest[rest.length - 1]!) : y;
  },
});

function finish(product: Value, rest: readonly Value[], { activation, bias, residual }: LinearAttrs): Value {
  const { scalar } = activationOf(activation);
  const data = product.data;
  const n = product.type.shape[product.type.shape.length - 1]!;
  const biases = bias ? rest[0]!.data : undefined;
  const residuals = residual ? rest[rest.length - 1]!.data : undefined;
  for (let i = 0; i < data.length; i++) {
    // Not + 0 where there is no bias: it would make 0 of -0.
    const y = scalar(biases ? Math.fround(data[i]! + biases[i % n]!) : data[i]!);
    data[i] = residuals ? Math.fround(y) + residuals[i]! : y;
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
