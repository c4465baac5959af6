import type { Shader } from "./shader.ts";

/**
 * An expression for the values of `width` neighbouring lanes folded together, the same in each of them; for a width of 1
 * the value itself. Lanes exchange values over a fixed width, smaller than any subgroup of the device, so that the order
 * is the same on all: subgroupAdd would leave it to the driver. Neighbours by number must be neighbours in a subgroup,
 * which is tried when a device is opened.
 */
export function foldNeighbours(
  shader: Shader,
  width: number,
  { name, type, fold }: { readonly name: string; readonly type: string; readonly fold: FoldText },
  value: string,
): string {
  if (width === 1) return value;
  shader.enable("subgroups");
  const steps: string[] = [];
  for (let mask = 1; mask < width; mask *= 2)
    steps.push(`  all = ${fold("all", `subgroupShuffleXor(all, ${mask}u)`)};`);
  shader.declare(`fn fold_${name}(value: ${type}) -> ${type} {
  var all = value;
${steps.join("\n")}
  return all;
}`);
  return `fold_${name}(${value})`;
}

/** Writes an operation that does not depend on the order of its two operands. */
export type FoldText = (a: string, b: string) => string;
