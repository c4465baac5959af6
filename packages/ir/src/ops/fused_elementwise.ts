import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit, type OpDef } from "../op.ts";
import type { TensorType } from "../type.ts";
import { toValue, type Value } from "../value.ts";
import { addOp, andOp, divOp, eqOp, leOp, ltOp, maxOp, minOp, mulOp, orOp, subOp } from "./binary.ts";
import { constant } from "./constant.ts";
import { broadcastAll, mapElements } from "./elementwise.ts";
import { siluOp } from "./silu.ts";
import { expOp, logOp, negOp, notOp, rsqrtOp, sqrtOp, tanhOp } from "./unary.ts";
import { whereOp } from "./where.ts";

declare module "../node.ts" {
  interface OpAttrs {
    /**
     * `body` is a list of scalar instructions `op a b c`; an operand is `$i`, input i; `%j`, the result of
     * instruction j, or a number. The last instruction is the result.
     */
    fused_elementwise: { readonly body: readonly string[] };
  }
}

type ScalarOp = OpDef<"where"> | OpDef<"add"> | OpDef<"neg"> | OpDef<"silu">;

/** The ops a body may use. */
const SCALAR_OPS = Object.fromEntries(
  [
    ...[negOp, expOp, logOp, sqrtOp, rsqrtOp, tanhOp, notOp, siluOp],
    ...[addOp, subOp, mulOp, divOp, maxOp, minOp, eqOp, ltOp, leOp, andOp, orOp, whereOp],
  ].map((op) => [op.name, op as unknown as ScalarOp]),
);

export const isFusable = (op: string): boolean => op in SCALAR_OPS;

/** Runs a body over any meaning of its operands: types, values or nodes. */
function runBody<T>(
  body: readonly string[],
  inputs: readonly T[],
  literal: (value: number) => T,
  apply: (op: ScalarOp, operands: T[]) => T,
): T {
  const results: T[] = [];
  for (const line of body) {
    const [name = "", ...operands] = line.split(" ");
    const op = SCALAR_OPS[name];
    if (!op) throw new FusewireError(`'${line}' does not start with an elementwise op`);
    results.push(
      apply(
        op,
        operands.map((text) => {
          const named = { $: inputs, "%": results }[text[0] ?? ""];
          const value = named ? named[Number(text.slice(1))] : literal(Number(text));
          if (value === undefined || (!named && Number.isNaN(Number(text)) && text !== "NaN"))
            throw new FusewireError(`operand '${text}' of '${line}' is not defined before it`);
          return value;
        }),
      ),
    );
  }
  const last = results[results.length - 1];
  if (last === undefined) throw new FusewireError("the body is empty");
  return last;
}

const inferScalar = (op: ScalarOp, types: readonly TensorType[]): TensorType =>
  (op as OpDef<"where">).infer(types, {});

export const fusedElementwiseOp = defineOp<"fused_elementwise">({
  name: "fused_elementwise",
  // With the result, 8 buffers: as many as a WebGPU launch may bind by default.
  arity: [1, 7],
  attrs: { body: "strings" },
  infer: (types, { body }) => {
    const result = runBody<TensorType>(body, types, () => ({ dtype: "f32", shape: [] }), inferScalar);
    return { dtype: result.dtype, shape: broadcastAll(types) };
  },
  // Each instruction rounds as the op by itself would, so that fusing changes no bit.
  evaluate: (inputs, { body }, type) =>
    runBody<Value>(
      body,
      inputs,
      (literal) => toValue({ dtype: "f32", shape: [] }, [literal]),
      (op, operands) => {
        const types = operands.map((operand) => operand.type);
        return mapElements(operands, { dtype: inferScalar(op, types).dtype, shape: type.shape }, op.scalar!);
      },
    ),
  expand: (inputs, { body }) =>
    runBody<Node>(
      body,
      inputs,
      (literal) => constant(inputs[0]!.table, literal, "f32"),
      (op, operands) => emit(op as OpDef<"where">, operands, {}),
    ),
});

/** A chain of elementwise ops as one launch; see the attribute `body`. Inputs broadcast to the result. */
export const fusedElementwise = (inputs: readonly Node[], body: readonly string[]): Node =>
  emit(fusedElementwiseOp, inputs, { body });
