// Elementwise ops of any kind, single or fused: short programs over blocks of elements.
// Words: out (2), kind of out, operands, instructions, axes, the sizes of the axes; for each operand address (2), kind
// and a stride an axis, in elements; for each instruction opcode and three operands. Operand k is input k, or the
// result of instruction k - inputs.
import * as ids from "../src/ids";
import { exp4, geluTanh4, log4, silu4, splat, tanh4 } from "./math";
import { minOf, operand, word } from "./step";

const REGISTER: usize = (<usize>ids.BLOCK) << 2;

export function map(p: usize, begin: u32, end: u32, scratch: usize): void {
  const out = operand(p, ids.HEADER);
  const bytes = word(p, ids.HEADER + 2) == ids.BYTES;
  const inputs = word(p, ids.HEADER + 3);
  const count = word(p, ids.HEADER + 4);
  const axes = word(p, ids.HEADER + 5);
  const sizes = p + ((ids.HEADER + 6) << 2);
  const operands = sizes + (<usize>axes << 2);
  const stride = <usize>(3 + axes) << 2;
  const code = operands + <usize>inputs * stride;
  const inner = word(sizes, axes - 1);
  // The addresses of all operands of the current block, behind the registers.
  const places = scratch + <usize>(inputs + count) * REGISTER;
  for (let k: u32 = 0; k < inputs; k++) {
    const at = operands + <usize>k * stride;
    const register = scratch + <usize>k * REGISTER;
    store<u32>(places + (<usize>k << 2), <u32>register);
    if (word(at, 2) == ids.LITERAL) fill(register, word(at, 0));
  }
  for (let k: u32 = 0; k < count; k++)
    store<u32>(places + (<usize>(inputs + k) << 2), <u32>(scratch + <usize>(inputs + k) * REGISTER));
  for (let i = begin; i < end; ) {
    const n = minOf(minOf(ids.BLOCK, end - i), inner - (i % inner));
    for (let k: u32 = 0; k < inputs; k++) {
      const at = operands + <usize>k * stride;
      if (word(at, 2) != ids.LITERAL)
        store<u32>(places + (<usize>k << 2), <u32>fetch(at, i, n, sizes, axes, scratch + <usize>k * REGISTER));
    }
    const direct = !bytes && (n & 3) == 0;
    const last = places + (<usize>(inputs + count - 1) << 2);
    const register = load<u32>(last);
    if (direct) store<u32>(last, <u32>(out + (<usize>i << 2)));
    for (let k: u32 = 0; k < count; k++) execute(code + (<usize>k << 4), places, inputs + k, n);
    if (direct) store<u32>(last, register);
    else if (bytes) narrow(out + <usize>i, register, n);
    else memory.copy(out + (<usize>i << 2), register, <usize>n << 2);
    i += n;
  }
}

function fill(register: usize, bits: u32): void {
  const x = i32x4.splat(bits);
  for (let k: usize = 0; k < REGISTER; k += 16) v128.store(register + k, x);
}

/** Where n elements of an operand lie from element i of the result on: its own memory, or a register made from it. */
function fetch(at: usize, i: u32, n: u32, sizes: usize, axes: u32, register: usize): usize {
  let offset: u32 = 0;
  let rest = i;
  for (let axis = axes; axis > 0; axis--) {
    const size = word(sizes, axis - 1);
    offset += (rest % size) * word(at, 2 + axis);
    rest /= size;
  }
  const source = operand(at, 0);
  const step = word(at, 2 + axes);
  if (word(at, 2) == ids.WORDS) {
    if (step == 1) return source + (<usize>offset << 2);
    fill(register, load<u32>(source + (<usize>offset << 2)));
  } else if (step == 1) {
    for (let k: u32 = 0; k < n; k++)
      store<i32>(register + (<usize>k << 2), -<i32>load<u8>(source + <usize>(offset + k)));
  } else fill(register, -<i32>load<u8>(source + <usize>offset));
  return register;
}

/** All ones and all zeros to bytes 1 and 0. */
function narrow(out: usize, register: usize, n: u32): void {
  for (let k: usize = 0; k < <usize>n; k++) store<u8>(out + k, load<u8>(register + (k << 2)) & 1);
}

@inline function apply(op: i32, a: v128, b: v128, c: v128): v128 {
  if (op == ids.NEG_F) return f32x4.neg(a);
  if (op == ids.EXP_F) return exp4(a);
  if (op == ids.LOG_F) return log4(a);
  if (op == ids.SQRT_F) return f32x4.sqrt(a);
  if (op == ids.RSQRT_F) return f32x4.div(splat(1), f32x4.sqrt(a));
  if (op == ids.TANH_F) return tanh4(a);
  if (op == ids.SILU_F) return silu4(a);
  if (op == ids.ADD_F) return f32x4.add(a, b);
  if (op == ids.SUB_F) return f32x4.sub(a, b);
  if (op == ids.MUL_F) return f32x4.mul(a, b);
  if (op == ids.DIV_F) return f32x4.div(a, b);
  if (op == ids.MAX_F) return f32x4.max(a, b);
  if (op == ids.MIN_F) return f32x4.min(a, b);
  if (op == ids.EQ_F) return f32x4.eq(a, b);
  if (op == ids.LT_F) return f32x4.lt(a, b);
  if (op == ids.LE_F) return f32x4.le(a, b);
  if (op == ids.NEG_I) return i32x4.neg(a);
  if (op == ids.ADD_I) return i32x4.add(a, b);
  if (op == ids.SUB_I) return i32x4.sub(a, b);
  if (op == ids.MUL_I) return i32x4.mul(a, b);
  if (op == ids.MAX_S) return i32x4.max_s(a, b);
  if (op == ids.MIN_S) return i32x4.min_s(a, b);
  if (op == ids.MAX_U) return i32x4.max_u(a, b);
  if (op == ids.MIN_U) return i32x4.min_u(a, b);
  if (op == ids.EQ_I) return i32x4.eq(a, b);
  if (op == ids.LT_S) return i32x4.lt_s(a, b);
  if (op == ids.LE_S) return i32x4.le_s(a, b);
  if (op == ids.LT_U) return i32x4.lt_u(a, b);
  if (op == ids.LE_U) return i32x4.le_u(a, b);
  if (op == ids.NOT_B) return v128.not(a);
  if (op == ids.AND_B) return v128.and(a, b);
  if (op == ids.OR_B) return v128.or(a, b);
  if (op == ids.RELU_F) return f32x4.max(a, splat(0));
  if (op == ids.GELU_TANH_F) return geluTanh4(a);
  if (op == ids.MOD_S) return modulo4(a, b);
  return v128.bitselect(b, c, a);
}

/** The remainder with the sign of the divisor; 0 where the divisor is. */
function modulo(a: i32, b: i32): i32 {
  return b == 0 ? 0 : <i32>(((<i64>a % <i64>b) + <i64>b) % <i64>b);
}

function modulo4(a: v128, b: v128): v128 {
  let y = i32x4.replace_lane(a, 0, modulo(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)));
  y = i32x4.replace_lane(y, 1, modulo(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)));
  y = i32x4.replace_lane(y, 2, modulo(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)));
  return i32x4.replace_lane(y, 3, modulo(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)));
}

@inline function loop(op: i32, out: usize, a: usize, b: usize, c: usize, n: u32): void {
  for (let k: usize = 0; k < <usize>n << 2; k += 16)
    v128.store(out + k, apply(op, v128.load(a + k), v128.load(b + k), v128.load(c + k)));
}

/** Runs one instruction over a block. Results fill whole vectors; what lies past n is never read. */
function execute(instruction: usize, places: usize, result: u32, n: u32): void {
  const out = <usize>word(places, result);
  const a = <usize>word(places, word(instruction, 1));
  const b = <usize>word(places, word(instruction, 2));
  const c = <usize>word(places, word(instruction, 3));
  switch (word(instruction, 0)) {
    case ids.NEG_F: loop(ids.NEG_F, out, a, b, c, n); break;
    case ids.EXP_F: loop(ids.EXP_F, out, a, b, c, n); break;
    case ids.LOG_F: loop(ids.LOG_F, out, a, b, c, n); break;
    case ids.SQRT_F: loop(ids.SQRT_F, out, a, b, c, n); break;
    case ids.RSQRT_F: loop(ids.RSQRT_F, out, a, b, c, n); break;
    case ids.TANH_F: loop(ids.TANH_F, out, a, b, c, n); break;
    case ids.SILU_F: loop(ids.SILU_F, out, a, b, c, n); break;
    case ids.ADD_F: loop(ids.ADD_F, out, a, b, c, n); break;
    case ids.SUB_F: loop(ids.SUB_F, out, a, b, c, n); break;
    case ids.MUL_F: loop(ids.MUL_F, out, a, b, c, n); break;
    case ids.DIV_F: loop(ids.DIV_F, out, a, b, c, n); break;
    case ids.MAX_F: loop(ids.MAX_F, out, a, b, c, n); break;
    case ids.MIN_F: loop(ids.MIN_F, out, a, b, c, n); break;
    case ids.EQ_F: loop(ids.EQ_F, out, a, b, c, n); break;
    case ids.LT_F: loop(ids.LT_F, out, a, b, c, n); break;
    case ids.LE_F: loop(ids.LE_F, out, a, b, c, n); break;
    case ids.NEG_I: loop(ids.NEG_I, out, a, b, c, n); break;
    case ids.ADD_I: loop(ids.ADD_I, out, a, b, c, n); break;
    case ids.SUB_I: loop(ids.SUB_I, out, a, b, c, n); break;
    case ids.MUL_I: loop(ids.MUL_I, out, a, b, c, n); break;
    case ids.MAX_S: loop(ids.MAX_S, out, a, b, c, n); break;
    case ids.MIN_S: loop(ids.MIN_S, out, a, b, c, n); break;
    case ids.MAX_U: loop(ids.MAX_U, out, a, b, c, n); break;
    case ids.MIN_U: loop(ids.MIN_U, out, a, b, c, n); break;
    case ids.EQ_I: loop(ids.EQ_I, out, a, b, c, n); break;
    case ids.LT_S: loop(ids.LT_S, out, a, b, c, n); break;
    case ids.LE_S: loop(ids.LE_S, out, a, b, c, n); break;
    case ids.LT_U: loop(ids.LT_U, out, a, b, c, n); break;
    case ids.LE_U: loop(ids.LE_U, out, a, b, c, n); break;
    case ids.NOT_B: loop(ids.NOT_B, out, a, b, c, n); break;
    case ids.AND_B: loop(ids.AND_B, out, a, b, c, n); break;
    case ids.OR_B: loop(ids.OR_B, out, a, b, c, n); break;
    case ids.RELU_F: loop(ids.RELU_F, out, a, b, c, n); break;
    case ids.GELU_TANH_F: loop(ids.GELU_TANH_F, out, a, b, c, n); break;
    case ids.MOD_S: loop(ids.MOD_S, out, a, b, c, n); break;
    default: loop(ids.WHERE, out, a, b, c, n);
  }
}
