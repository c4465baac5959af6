import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { emptyValue } from "../value.ts";
import { type Activation, activationOf } from "./activation.ts";
import { add, mul } from "./binary.ts";
import { linearOp } from "./linear.ts";
import { matmul } from "./matmul.ts";
import { sliceAxis } from "./movement.ts";

declare module "../node.ts" {
  interface OpAttrs {
    gated_linear: { readonly activation: string; readonly bias: boolean };
  }
}

export const gatedLinearOp = defineOp<"gated_linear">({
  name: "gated_linear",
  arity: [2, 3],
  attrs: { activation: "string", bias: "bool" },
  infer: ([x, weight, ...rest], { activation, bias }) => {
    const joined = linearOp.infer([x!, weight!, ...rest], { activation, bias, residual: false });
    const width = joined.shape[joined.shape.length - 1]!;
    if (width % 2 !== 0) throw new FusewireError("the weight must hold as many gate rows as up rows");
    return { dtype: "f32", shape: [...joined.shape.slice(0, -1), width / 2] };
  },
  evaluate: ([x, weight, ...rest], { activation, bias }, type) => {
    const n = type.shape[type.shape.length - 1]!;
    const joinedType = { dtype: "f32" as const, shape: [...type.shape.slice(0, -1), 2 * n] };
    const attrs = { activation: "none", bias, residual: false };
    const joined = linearOp.evaluate!([x!, weight!, ...rest], attrs, joinedType).data;
    const { scalar } = activationOf(activation);
    const out = emptyValue(type);
    for (let i = 0; i < out.data.length; i++) {
      const gate = Math.floor(i / n) * 2 * n + (i % n);
      out.data[i] = Math.fround(scalar(joined[gate]!)) * joined[gate + n]!;
    }
    return out;
  },
  expand: ([x, weight, biases], { activation }) => {
    const product = matmul(x!, weight!, { transposeB: true });
    const joined = biases ? add(product, biases) : product;
    const axis = joined.type.shape.length - 1;
    const n = joined.type.shape[axis]! / 2;
    const gate = activationOf(activation).apply(sliceAxis(joined, axis, 0, n));
    return mul(gate, sliceAxis(joined, axis, n, n));
  },
});

/**
 * activation(x · gateᵀ) · (x · upᵀ), the gated half of an MLP (GLU variants, Shazeer 2020), as one product.
 * x: f32[…, m, k]; weight: f32[2n, k], gate rows then up rows; bias: f32[2n]; result f32[…, m, n].
 */
export const gatedLinear = (x: Node, weight: Node, activation: Activation, bias?: Node): Node =>
  emit(gatedLinearOp, bias ? [x, weight, bias] : [x, weight], { activation, bias: !!bias });
