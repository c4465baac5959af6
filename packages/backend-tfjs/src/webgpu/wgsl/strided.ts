import { type Shape, stridesOf } from "@fusewire/ir";
import type { Shader } from "./shader.ts";

/** Strides in elements that read a tensor of shape `from` as if it had the broadcast shape `to`. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const own = stridesOf(from);
  const lead = to.length - from.length;
  return to.map((_, k) => (k < lead || from[k - lead] === 1 ? 0 : own[k - lead]!));
}

/**
 * An expression for where element `i` of a tensor of `shape` lies under other strides. Axes that are walked as one are
 * joined first; sizes and strides are set by the host, so that one pipeline serves all sizes of one layout.
 */
export function stridedIndex(
  shader: Shader,
  i: string,
  shape: Shape,
  strides: readonly number[],
  offset = 0,
): string {
  const axes: { size: number; stride: number }[] = [];
  for (const [k, size] of shape.entries()) {
    if (size === 1) continue;
    const last = axes.at(-1);
    const stride = strides[k]!;
    if (last && last.stride === stride * size) {
      last.size *= size;
      last.stride = stride;
    } else axes.push({ size, stride });
  }
  const terms: string[] = [];
  let inner = 1;
  for (const [k, { size, stride }] of [...axes.entries()].reverse()) {
    if (stride !== 0) {
      const above = inner === 1 ? i : `${i} / ${shader.size(inner)}`;
      const index = k === 0 ? above : `${above} % ${shader.size(size)}`;
      terms.unshift(stride === 1 ? `(${index})` : `(${index}) * ${shader.size(stride)}`);
    }
    inner *= size;
  }
  if (offset !== 0) terms.push(shader.size(offset));
  return terms.length === 0 ? "0u" : terms.join(" + ");
}
