import { type Shape, sizeOf, stridesOf } from "@fusewire/ir";

/** Axes of a loop nest, outermost first: for each its size, and how far each tensor moves along it, in elements. */
export interface Axis {
  readonly size: number;
  readonly strides: readonly number[];
}

/** The strides with which a tensor of shape `from` is read under the broadcast shape `to`. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const own = stridesOf(from);
  const lead = to.length - from.length;
  return to.map((_, k) => (k < lead || from[k - lead] === 1 ? 0 : own[k - lead]!));
}

/** The same loops in as few axes as they allow, at least one. */
export function mergeAxes(shape: Shape, strides: readonly (readonly number[])[]): Axis[] {
  const axes: Axis[] = [];
  for (const [k, size] of shape.entries()) {
    if (size === 1) continue;
    const inner: Axis = { size, strides: strides.map((own) => own[k]!) };
    const outer = axes.at(-1);
    if (outer?.strides.every((stride, j) => stride === inner.strides[j]! * size))
      axes[axes.length - 1] = { size: outer.size * size, strides: inner.strides };
    else axes.push(inner);
  }
  return axes.length > 0 ? axes : [{ size: 1, strides: strides.map(() => 0) }];
}

/** A shape seen from one axis: element (o, k, i) of [outer, n, inner] is at (o · n + k) · inner + i. */
export function splitAt(shape: Shape, axis: number): { outer: number; n: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), n: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}
