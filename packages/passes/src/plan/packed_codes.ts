import { isNode, type Node } from "@fusewire/ir";
import type { Lowered } from "../engine/lowered.ts";
import type { Program } from "./program.ts";

/**
 * Whether a prepared value is codes of 4 bits, of one matrix or of joined ones. In the graph they are i8; engines keep
 * them by twos in a byte, eight to a word.
 */
export function isPackedCodes(node: Node): boolean {
  if (isNode(node, "concat")) return node.attrs.axis === 0 && node.inputs.every(isPackedCodes);
  return isNode(node, "quantize_rows") && node.attrs.layout.bits === 4 && node.type.shape.at(-1)! % 8 === 0;
}

/** The program with the bytes that codes take as engines keep them. */
export const withPackedCodes = (program: Program, { prepare }: Lowered): Program => ({
  ...program,
  buffers: program.buffers.map((buffer) => {
    const node = buffer.kind === "prepared" ? prepare.get(buffer.name) : undefined;
    return node && isPackedCodes(node) ? { ...buffer, bytes: Math.ceil(buffer.bytes / 2) } : buffer;
  }),
});
