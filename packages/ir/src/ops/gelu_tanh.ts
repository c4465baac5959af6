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

const round = Math.fround;
const ROOT = round(Math.sqrt(2 / Math.PI));
const CUBIC = round(0.044715);

/** Rounded at each step of the expansion. */
function scalar(x: number): number {
  const cube = round(round(x * x) * x);
  const inner = round(round(x + round(cube * CUBIC)) * ROOT);
  return round(x * 0.5) * round(round(Math.tanh(inner)) + 1);
}

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
