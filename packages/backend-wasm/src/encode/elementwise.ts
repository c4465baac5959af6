/** Elementwise ops, single or fused, as instructions of one kernel. */
import { type DType, FusewireError, sizeOf } from "@fusewire/ir";
import type { Ref, Step } from "@fusewire/passes";
import * as ids from "../ids.ts";
import { broadcastStrides, mergeAxes } from "./axes.ts";
import { type Encoder, type Encoders, floatWord, grainFor, type Launch, type Places } from "./writer.ts";

/** The instruction for an op by the kind of its operands; what a kind lacks the op table refuses. */
const OPCODES: Readonly<Record<string, Partial<Record<DType, number>>>> = {
  neg: { f32: ids.NEG_F, i32: ids.NEG_I },
  exp: { f32: ids.EXP_F },
  log: { f32: ids.LOG_F },
  sqrt: { f32: ids.SQRT_F },
  rsqrt: { f32: ids.RSQRT_F },
  tanh: { f32: ids.TANH_F },
  silu: { f32: ids.SILU_F },
  relu: { f32: ids.RELU_F },
  gelu_tanh: { f32: ids.GELU_TANH_F },
  not: { bool: ids.NOT_B },
  add: { f32: ids.ADD_F, i32: ids.ADD_I, u32: ids.ADD_I },
  sub: { f32: ids.SUB_F, i32: ids.SUB_I, u32: ids.SUB_I },
  mul: { f32: ids.MUL_F, i32: ids.MUL_I, u32: ids.MUL_I },
  div: { f32: ids.DIV_F },
  max: { f32: ids.MAX_F, i32: ids.MAX_S, u32: ids.MAX_U },
  min: { f32: ids.MIN_F, i32: ids.MIN_S, u32: ids.MIN_U },
  mod: { i32: ids.MOD_S },
  eq: { f32: ids.EQ_F, i32: ids.EQ_I, u32: ids.EQ_I },
  lt: { f32: ids.LT_F, i32: ids.LT_S, u32: ids.LT_U },
  le: { f32: ids.LE_F, i32: ids.LE_S, u32: ids.LE_U },
  and: { bool: ids.AND_B },
  or: { bool: ids.OR_B },
  where: { bool: ids.WHERE },
};

/** Ops whose result is a truth value whatever their operands are. */
const TRUTHS: ReadonlySet<string> = new Set(["eq", "lt", "le"]);

interface Instruction {
  readonly opcode: number;
  readonly operands: readonly number[];
}

/** Operands and instructions: operand k is operand k of the step, a literal, or a result; see the kernel. */
interface Body {
  readonly literals: readonly number[];
  readonly instructions: readonly Instruction[];
}

function opcodeOf(op: string, dtype: DType): number {
  const opcode = OPCODES[op]?.[dtype];
  if (opcode === undefined) throw new FusewireError(`the wasm engine has no ${op} of ${dtype}`);
  return opcode;
}

/** Reads the text of a fused body; see `fused_elementwise`. */
function parseBody(lines: readonly string[], inputs: readonly DType[]): Body {
  const texts = lines.map((line) => line.split(" "));
  const isLiteral = (text: string) => !/^[$%]/.test(text);
  const literals = [...new Set(texts.flatMap(([, ...operands]) => operands.filter(isLiteral)))];
  const results: DType[] = [];
  const dtypeOf = (text: string): DType =>
    text[0] === "$"
      ? inputs[Number(text.slice(1))]!
      : text[0] === "%"
        ? results[Number(text.slice(1))]!
        : "f32";
  const indexOf = (text: string): number => {
    if (text[0] === "$") return Number(text.slice(1));
    if (text[0] === "%") return inputs.length + literals.length + Number(text.slice(1));
    return inputs.length + literals.indexOf(text);
  };
  const instructions = texts.map(([op, ...operands]): Instruction => {
    const dtype = dtypeOf(operands[0]!);
    results.push(op === "where" ? dtypeOf(operands[1]!) : TRUTHS.has(op!) ? "bool" : dtype);
    return { opcode: opcodeOf(op!, dtype), operands: operands.map(indexOf) };
  });
  return { literals: literals.map(Number), instructions };
}

function encodeMap({ reads, write }: Step, { literals, instructions }: Body, places: Places): Launch[] {
  const shape = write.type.shape;
  const axes = mergeAxes(
    shape,
    [write, ...reads].map(({ type }) => broadcastStrides(type.shape, shape)),
  );
  const kind = ({ type }: Ref) => (type.dtype === "bool" ? ids.BYTES : ids.WORDS);
  const inputs = reads.flatMap((read, k) => [
    ...places.operand(read),
    kind(read),
    ...axes.map(({ strides }) => strides[k + 1]!),
  ]);
  const constants = literals.flatMap((literal) => [floatWord(literal), 0, ids.LITERAL, ...axes.map(() => 0)]);
  const operands = reads.length + literals.length;
  const size = sizeOf(shape);
  return [
    {
      kernel: ids.MAP,
      units: size,
      grain: grainFor(size, 4 * instructions.length),
      scratch: (operands + instructions.length) * (ids.BLOCK * 4 + 4),
      words: [
        ...places.operand(write),
        kind(write),
        operands,
        instructions.length,
        axes.length,
        ...axes.map((axis) => axis.size),
        ...inputs,
        ...constants,
        ...instructions.flatMap(({ opcode, operands: [a = 0, b = 0, c = 0] }) => [opcode, a, b, c]),
      ],
    },
  ];
}

const single =
  (op: string): Encoder =>
  (step, places) =>
    encodeMap(
      step,
      {
        literals: [],
        instructions: [
          { opcode: opcodeOf(op, step.reads[0]!.type.dtype), operands: step.reads.map((_, k) => k) },
        ],
      },
      places,
    );

export const ELEMENTWISE: Encoders = {
  ...Object.fromEntries(Object.keys(OPCODES).map((op) => [op, single(op)])),
  fused_elementwise: (step, places) =>
    encodeMap(
      step,
      parseBody(
        step.attrs.body,
        step.reads.map(({ type }) => type.dtype),
      ),
      places,
    ),
};
