import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit, type OpDef } from "../op.ts";
import { addOp, andOp, divOp, eqOp, leOp, ltOp, maxOp, minOp, mulOp, orOp, subOp } from "./binary.ts";
import { broadcastAll, mapElements } from "./elementwise.ts";
import { siluOp } from "./silu.ts";
import { expOp, logOp, negOp, notOp, rsqrtOp, sqrtOp, tanhOp } from "./unary.ts";
import { whereOp } from "./where.ts";

declare module "../node.ts" {
  interface OpAttrs {
    /**
     * `body` is a list of scalar instructions `op a b c`; an operand is `$i`, input i, or `%j`, the result of
     * instruction j. The last instruction is the result.
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

interface Instruction {
  readonly op: ScalarOp;
  readonly operands: readonly { readonly input: boolean; readonly index: number }[];
}

function parseBody(body: readonly string[], inputs: number): Instruction[] {
  return body.map((line, position) => {
    const [name = "", ...operands] = line.split(" ");
    const op = SCALAR_OPS[name];
    if (!op) throw new FusewireError(`'${line}' does not start with an elementwise op`);
    return {
      op,
      operands: operands.map((text) => {
        const index = Number(text.slice(1));
        const input = text.startsWith("$");
        if (!Number.isInteger(index) || index >= (input ? inputs : position))
          throw new FusewireError(`operand '${text}' of '${line}' is not defined before it`);
        return { input, index };
      }),
    };
  });
}

export const fusedElementwiseOp = defineOp<"fused_elementwise">({
  name: "fused_elementwise",
  arity: [1, 8],
  attrs: { body: "strings" },
  infer: (types, { body }) => {
    const results: { dtype: string; shape: readonly number[] }[] = [];
    for (const { op, operands } of parseBody(body, types.length)) {
      const args = operands.map(({ input, index }) => (input ? types[index]! : results[index]!));
      results.push((op as OpDef<"where">).infer(args as typeof types, {}));
    }
    const last = results[results.length - 1];
    if (!last) throw new FusewireError("the body is empty");
    return { dtype: last.dtype as (typeof types)[number]["dtype"], shape: broadcastAll(types) };
  },
  // Each instruction rounds to f32, so that fusing changes no bit. (Integers are not fused.)
  evaluate: (inputs, { body }, type) => {
    const program = parseBody(body, inputs.length);
    const columns: ReturnType<typeof mapElements>[] = inputs.map((input) =>
      mapElements([input], { dtype: input.type.dtype, shape: type.shape }, (x) => x),
    );
    const results: typeof columns = [];
    for (const { op, operands } of program) {
      const args = operands.map(({ input, index }) => (input ? columns[index]! : results[index]!));
      const dtype = (op as OpDef<"where">).infer(
        args.map((value) => value.type),
        {},
      ).dtype;
      results.push(mapElements(args, { dtype, shape: type.shape }, op.scalar!));
    }
    return results[results.length - 1]!;
  },
  expand: (inputs, { body }) => {
    const results: Node[] = [];
    for (const { op, operands } of parseBody(body, inputs.length)) {
      const args = operands.map(({ input, index }) => (input ? inputs[index]! : results[index]!));
      results.push(emit(op as OpDef<"where">, args, {}));
    }
    return results[results.length - 1]!;
  },
});

/** A chain of elementwise ops as one launch; see the attribute `body`. Inputs broadcast to the result. */
export const fusedElementwise = (inputs: readonly Node[], body: readonly string[]): Node =>
  emit(fusedElementwiseOp, inputs, { body });
