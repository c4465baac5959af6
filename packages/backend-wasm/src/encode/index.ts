import { isIntegers, type Layout, OPS, type OpName } from "@fusewire/ir";
import type { Step } from "@fusewire/passes";
import { ELEMENTWISE } from "./elementwise.ts";
import { LINES } from "./lines.ts";
import { encodePlainCopy, MOVEMENT } from "./movement.ts";
import { PRODUCTS } from "./products.ts";
import { QUANTIZED } from "./quantized.ts";
import type { Encoder, Encoders, Launch, Places, StepOf } from "./writer.ts";

export { type Launch, launchWords, type Places } from "./writer.ts";

/** How each op is run; what is missing has an expansion or is made on the host. */
const ENCODERS: Encoders = { ...ELEMENTWISE, ...MOVEMENT, ...LINES, ...PRODUCTS, ...QUANTIZED };

/** Whether the engine runs the op itself. Tables without inputs are made on the host when the entry is compiled. */
export const claims = (op: OpName, layout?: Layout): boolean =>
  (ENCODERS[op] !== undefined || OPS[op].arity === 0) &&
  (op !== "dequantize" || (layout !== undefined && isIntegers(layout)));

/** Writes one step of a program as calls of kernels. */
export function encodeStep(step: Step, places: Places): readonly Launch[] {
  if (step.kernel === "copy") return encodePlainCopy(step, places);
  const encoder = ENCODERS[step.kernel as OpName] as Encoder | undefined;
  if (!encoder) throw new Error(`the wasm engine has no kernel ${step.kernel}`);
  return encoder(step as StepOf<OpName>, places);
}
