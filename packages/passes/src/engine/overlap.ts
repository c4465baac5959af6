import { FusewireError, formatType, type StateDecl, sizeOf, type TensorType } from "@fusewire/ir";

/** Elements in one piece, by their index in row-major order. */
export interface Run {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Where the elements that lie in both shapes are in each of them; ranks and dtypes must agree. */
export function overlap(from: TensorType, to: TensorType): Run[] {
  const [a, b] = [from.shape, to.shape];
  if (from.dtype !== to.dtype || a.length !== b.length)
    throw new FusewireError(`a state ${formatType(from)} cannot be copied to ${formatType(to)}`);
  // Behind the last axis that differs, both lie in the same order: pieces are as long as that axis allows.
  const axis = a.findLastIndex((size, k) => size !== b[k]);
  if (axis < 0) return [{ from: 0, to: 0, count: sizeOf(a) }];
  const inner = sizeOf(a.slice(axis + 1));
  const count = Math.min(a[axis]!, b[axis]!) * inner;
  let runs: Run[] = [{ from: 0, to: 0, count }];
  let [strideA, strideB] = [a[axis]! * inner, b[axis]! * inner];
  for (let k = axis - 1; k >= 0; k--) {
    const [stepA, stepB] = [strideA, strideB];
    runs = Array.from({ length: Math.min(a[k]!, b[k]!) }, (_, i) =>
      runs.map((run) => ({ from: run.from + i * stepA, to: run.to + i * stepB, count })),
    ).flat();
    strideA *= a[k]!;
    strideB *= b[k]!;
  }
  return count > 0 ? runs : [];
}

/** For each state of `to`, what it takes over from `from`; a state that is not there takes nothing. */
export function overlapOfStates(
  from: readonly StateDecl[],
  to: readonly StateDecl[],
): { readonly name: string; readonly runs: readonly Run[] }[] {
  return to.flatMap(({ name, type }) => {
    const source = from.find((decl) => decl.name === name);
    return source ? [{ name, runs: overlap(source.type, type) }] : [];
  });
}
