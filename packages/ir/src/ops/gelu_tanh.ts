import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { add, mul } from "./binary.ts";
import { mapElements, requireDType } from "./elementwise.ts";
import { tanh } from "./unary.ts";

declare module "../node.ts" {
  interface OpAttrs {
    gelu_tanh: Record<never, never>;
  }
}

const ROOT = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

const scalar = (x: number): number => 0.5 * x * (1 + Math.tanh(ROOT * (x + CUBIC * x ** 3)));

export const geluTanhOp = defineOp<"gelu_tanh">({
  name: "gelu_tanh",
  arity: 1,
  attrs: {},
  infer: (types) => ({ dtype: requireDType(types, ["f32"]), shape: types[0]!.shape }),
  evaluate: (inputs, _attrs, type) => mapElements(inputs, type, scalar),
  expand: ([x]) => {
    const inner = mul(add(x!, mul(mul(mul(x!, x!), x!), CUBIC)), ROOT);
    return mul(mul(x!, 0.5), add(tanh(inner), 1));
  },
  scalar,
});

/** x · Φ(x) by the tanh formula (Hendrycks & Gimpel 2016), Hugging Face's gelu_pytorch_tanh. */
export const geluTanh = (x: Node): Node => emit(geluTanhOp, [x], {});
