/** Where each value of an entry is computed: by tfjs, or on the host by the op table. */
import { isFloat, isFree, type Node, sizeOf } from "@fusewire/ir";
import { kernelOf } from "./kernels/index.ts";

export type Place = "tfjs" | "host";

/** Elements up to which a call of tfjs costs more than the arithmetic. */
const TINY = 64;

/**
 * Floats are for tfjs. Integers decide what is read and written where, and tfjs has no integer arithmetic that is
 * exact on every backend, so they stay on the host. The rest is about not moving large tensors to and fro.
 */
export function placeOf(node: Node, placeOfInput: (input: Node) => Place): Place {
  const kernel = kernelOf(node);
  if (isWeightOrState(node)) return isFloat(node.type.dtype) ? "tfjs" : "host";
  // Inputs, constants and random numbers begin on the host; they are uploaded when a kernel asks for them.
  if (!kernel) return "host";
  const operands = node.inputs.filter((_, k) => !kernel.onHost?.includes(k));
  const inTfjs = operands.filter((input) => placeOfInput(input) === "tfjs" && !isInteger(input));
  switch (node.op) {
    case "cast":
      // tfjs can only widen, exactly: bools to numbers, f16 and bf16 (which it holds as f32) to f32.
      return node.type.dtype === "f32" && inTfjs.length > 0 ? "tfjs" : "host";
    case "argmax":
    case "argsort":
      // The result is an integer, but the work is on floats, and what comes back is small or wanted anyway.
      return inTfjs.length > 0 ? "tfjs" : "host";
  }
  // Nothing of it in tfjs yet and nearly no work: a temperature, 1 - p.
  if (isFloat(node.type.dtype)) return inTfjs.length > 0 || sizeOf(node.type.shape) > TINY ? "tfjs" : "host";
  // A mask over scores, which `where` will read: made where most of what it is made from lies.
  if (node.type.dtype === "bool" && !operands.some(isInteger) && inTfjs.length > 0) {
    const elements = (nodes: readonly Node[]) => nodes.reduce((sum, { type }) => sum + sizeOf(type.shape), 0);
    return 2 * elements(inTfjs) >= elements(operands) ? "tfjs" : "host";
  }
  return "host";
}

const isInteger = ({ type }: Node): boolean => !isFloat(type.dtype) && type.dtype !== "bool";

export const isWeight = (node: Node): boolean => node.op === "param" || node.op === "prepared";

const isWeightOrState = (node: Node): boolean => isWeight(node) || node.op === "state";

/** The conversion of f16 or bf16 to f32, which is done once when a value enters tfjs. */
export const isWidening = (node: Node): boolean =>
  node.op === "cast" && node.type.dtype === "f32" && isFloat(node.inputs[0]!.type.dtype);

/** Whether running the node in tfjs starts a kernel. */
export const launches = (node: Node): boolean => !isFree(node) && !isWidening(node);
