/** Scalar ops as shader expressions. */
import type { DType } from "@fusewire/ir";
import { floatLiteral, type Shader } from "./shader.ts";

type Write = (a: string, b: string, c: string) => string;

const FUNCTIONS: Readonly<Record<string, Write>> = {
  neg: (a) => `(-${a})`,
  exp: (a) => `exp(${a})`,
  log: (a) => `log(${a})`,
  sqrt: (a) => `sqrt(${a})`,
  rsqrt: (a) => `inverseSqrt(${a})`,
  // Beyond ±15 the result is ±1 in f32, and some drivers compute it from exp(2x), which overflows.
  tanh: (a) => `tanh(clamp(${a}, -15.0, 15.0))`,
  not: (a) => `(!${a})`,
  // exp(88) is the last power below infinity, which WGSL need not have.
  silu: (a) => `(${a} / (1.0 + exp(min(-${a}, 88.0))))`,
  relu: (a) => `max(${a}, 0.0)`,
  gelu_tanh: (a) =>
    `(0.5 * ${a} * (1.0 + tanh(clamp(${Math.sqrt(2 / Math.PI)} * (${a} + 0.044715 * ${a} * ${a} * ${a}), -15.0, 15.0))))`,
  add: (a, b) => `(${a} + ${b})`,
  sub: (a, b) => `(${a} - ${b})`,
  mul: (a, b) => `(${a} * ${b})`,
  div: (a, b) => `(${a} / ${b})`,
  max: (a, b) => `max(${a}, ${b})`,
  min: (a, b) => `min(${a}, ${b})`,
  // The remainder has the sign of the divisor; WGSL's own has that of the dividend.
  mod: (a, b) => `(${a} % ${b} + select(0, ${b}, ${a} % ${b} != 0 && (${a} < 0) != (${b} < 0)))`,
  eq: (a, b) => `(${a} == ${b})`,
  lt: (a, b) => `(${a} < ${b})`,
  le: (a, b) => `(${a} <= ${b})`,
  and: (a, b) => `(${a} & ${b})`,
  or: (a, b) => `(${a} | ${b})`,
  where: (condition, a, b) => `select(${b}, ${a}, ${condition})`,
};

export function scalarExpression(op: string, operands: readonly string[]): string {
  const write = FUNCTIONS[op];
  if (!write) throw new Error(`${op} is not a scalar op`);
  const [a = "", b = "", c = ""] = operands;
  return write(a, b, c);
}

/** Activations that products carry; `x` must be a name. */
export const activationExpression = (activation: string, x: string): string =>
  activation === "none" ? x : scalarExpression(activation, [x]);

/** Statements for the body of `fused_elementwise`, whose inputs are the given names; the last one is the result. */
export function bodyStatements(shader: Shader, body: readonly string[], inputs: readonly string[]): string[] {
  return body.map((line, k) => {
    const [op = "", ...operands] = line.split(" ");
    const names = operands.map((operand) => {
      if (operand.startsWith("$")) return inputs[Number(operand.slice(1))]!;
      return operand.startsWith("%") ? `t${operand.slice(1)}` : floatLiteral(shader, Number(operand));
    });
    return `  let t${k} = ${scalarExpression(op, names)};`;
  });
}

/** By its bits: compilers may take a comparison of a number with itself for true. */
const isNan = (x: string): string => `((bitcast<u32>(${x}) & 0x7fffffffu) > 0x7f800000u)`;

/**
 * An element of one dtype as another: integers truncate and saturate, NaN becomes 0. Rounding to 16-bit floats is done
 * where they are stored. `x` must be a name.
 */
export function castExpression(from: DType, to: DType, x: string): string {
  const source =
    from === "bool"
      ? "bool"
      : from === "u8" || from === "u32"
        ? "u32"
        : from === "i8" || from === "i32"
          ? "i32"
          : "f32";
  if (to === "bool")
    return source === "bool" ? x : source === "f32" ? `(${x} < 0.0 || ${x} > 0.0)` : `(${x} != 0)`;
  switch (to) {
    case "f32":
    case "f16":
    case "bf16":
      return `f32(${x})`;
    case "i32":
      if (source === "u32") return `i32(min(${x}, 0x7fffffffu))`;
      // The largest f32 below 2^31 is 128 less, where WGSL's own conversion may stop.
      if (source === "f32")
        return `select(select(select(i32(${x}), 0x7fffffff, ${x} >= 2147483648.0), i32(-2147483648), ${x} <= -2147483648.0), 0, ${isNan(x)})`;
      return `i32(${x})`;
    case "u32":
      if (source === "i32") return `u32(max(${x}, 0))`;
      if (source === "f32")
        return `select(select(u32(max(${x}, 0.0)), 0xffffffffu, ${x} >= 4294967296.0), 0u, ${isNan(x)})`;
      return `u32(${x})`;
    case "i8":
      return source === "f32"
        ? `select(i32(clamp(${x}, -128.0, 127.0)), 0, ${isNan(x)})`
        : source === "bool"
          ? `i32(${x})`
          : source === "u32"
            ? `i32(min(${x}, 127u))`
            : `clamp(${x}, -128, 127)`;
    case "u8":
      return source === "f32"
        ? `select(u32(clamp(${x}, 0.0, 255.0)), 0u, ${isNan(x)})`
        : source === "bool"
          ? `u32(${x})`
          : source === "u32"
            ? `min(${x}, 255u)`
            : `u32(clamp(${x}, 0, 255))`;
  }
}
