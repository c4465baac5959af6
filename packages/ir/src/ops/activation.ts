import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { geluTanh, geluTanhOp } from "./gelu_tanh.ts";
import { relu, reluOp } from "./relu.ts";
import { silu, siluOp } from "./silu.ts";

/** Activations that product ops may carry in their epilogue. */
const ACTIVATIONS = {
  none: { scalar: (x: number) => x, apply: (x: Node) => x },
  relu: { scalar: (x: number) => reluOp.scalar!(x, 0, 0), apply: relu },
  gelu_tanh: { scalar: (x: number) => geluTanhOp.scalar!(x, 0, 0), apply: geluTanh },
  silu: { scalar: (x: number) => siluOp.scalar!(x, 0, 0), apply: silu },
} as const;

export type Activation = keyof typeof ACTIVATIONS;

export function activationOf(name: string): (typeof ACTIVATIONS)[Activation] {
  if (!Object.hasOwn(ACTIVATIONS, name)) throw new FusewireError(`unknown activation '${name}'`);
  return ACTIVATIONS[name as Activation];
}

/** The op name of a node that is an activation products can carry. */
export const isActivation = (op: string): op is Activation => op !== "none" && Object.hasOwn(ACTIVATIONS, op);
