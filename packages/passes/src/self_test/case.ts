import {
  constant,
  type DType,
  hash32,
  isFloat,
  type Node,
  sizeOf,
  type TensorType,
  type Tracer,
  tensorType,
  toValue,
  type Value,
} from "@fusewire/ir";
import type { RowClass } from "../engine/lowered.ts";

/** One expression that an engine computes for its self-test. */
export interface SelfTestCase {
  readonly build: (t: Tracer) => Node;
  /** The class of work; "few" unless given. */
  readonly rows?: RowClass;
}

export type SelfTestCases = Readonly<Record<string, SelfTestCase | SelfTestCase["build"]>>;

export const f32 = (t: Tracer, name: string, ...shape: readonly number[]): Node =>
  t.input(name, tensorType("f32", shape));

export const stored = (t: Tracer, dtype: DType, name: string, ...shape: readonly number[]): Node =>
  t.input(`${name} ${dtype}`, tensorType(dtype, shape));

export const integers = (t: Tracer, values: readonly number[], shape = [values.length]): Node =>
  constant(t.table, values, "i32", shape);

export const counted = (length: number, of: (k: number) => number): number[] =>
  Array.from({ length }, (_, k) => of(k));

/** Numbers that depend on the input's name alone, so that fewer rows are the first of more: -1..1, or small integers. */
export function numbersFor(name: string, type: TensorType): Value {
  const salt = [...name].reduce((hash, letter) => hash32(hash ^ letter.charCodeAt(0)), 0);
  const unit = (i: number) => hash32(i ^ salt) / 2 ** 31 - 1;
  return toValue(
    type,
    counted(sizeOf(type.shape), isFloat(type.dtype) ? unit : (i) => Math.trunc(unit(i) * 100)),
  );
}
