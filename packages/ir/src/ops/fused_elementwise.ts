import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit, type OpDef } from "../op.ts";
import type { TensorType } from "../type.ts";
import { toValue, type Value } from "../value.ts";
import { addOp, andOp, divOp, eqOp, leOp, ltOp, maxOp, minOp, mulOp, orOp, subOp } from "./binary.ts";
import { constant } from "./constant.ts";
import { broadcastAll } from "./elementwise.ts";
import { geluTanhOp } from "./gelu_tanh.ts";
import { broadcastTo } from "./movement.ts";
import { reluOp } from "./relu.ts";
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
const SCALAR_OPS: ReadonlyMap<string, ScalarOp> = new Map(
  [
    ...[negOp, expOp, logOp, sqrtOp, rsqrtOp, tanhOp, notOp, siluOp, reluOp, geluTanhOp],
    ...[addOp, subOp, mulOp, divOp, maxOp, minOp, eqOp, ltOp, leOp, andOp, orOp, whereOp],
  ].map((op) => [op.name, op as unknown as ScalarOp]),
);

export const isFusable = (op: string): boolean => SCALAR_OPS.has(op);

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
    const op = SCALAR_OPS.get(name);
    if (!op) throw new FusewireError(`'${line}' does not start with an elementwise op`);
    if (operands.length !== op.arity) throw new FusewireError(`'${line}' needs ${op.arity} operands`);
    results.push(
      apply(
        op,
        operands.map((text) => {
          const [, kind, index] = /^([$%])(\d+)$/.exec(text) ?? [];
          const isNumber = text === "NaN" || (text !== "" && !Number.isNaN(Number(text)));
          const value = kind
            ? (kind === "$" ? inputs : results)[Number(index)]
            : isNumber && literal(Number(text));
          if (value === undefined || value === false)
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
  elementwise: true,
  evaluate: (inputs, { body }, type) =>
    runBody<Value>(
      body,
      inputs,
      (literal) => toValue({ dtype: "f32", shape: [] }, [literal]),
      (op, operands) => {
        const { dtype } = inferScalar(
          op,
          operands.map((operand) => operand.type),
        );
        return (op as OpDef<"where">).evaluate!(operands, {}, { dtype, shape: type.shape });
      },
    ),
  expand: (inputs, { body }) => {
    const result = runBody<Node>(
      body,
      inputs,
      (literal) => constant(inputs[0]!.table, literal, "f32"),
      (op, operands) => emit(op as OpDef<"where">, operands, {}),
    );
    // An input that the last instruction does not depend on may still widen the result.
    return broadcastTo(result, broadcastAll(inputs.map((input) => input.type)));
  },
});

/** A chain of elementwise ops as one launch; see the attribute `body`. Inputs broadcast to the result. */
export const fusedElementwise = (inputs: readonly Node[], body: readonly string[]): Node =>
  emit(fusedElementwiseOp, inputs, { body });
