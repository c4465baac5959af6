import { isNode, type Node } from "@fusewire/ir";

/** The floats of 16 bits that a node widens to f32, which loses nothing. */
export const narrowOf = (node: Node): Node | undefined =>
  isNode(node, "cast") && node.attrs.to === "f32" && ["f16", "bf16"].includes(node.inputs[0]!.type.dtype)
    ? node.inputs[0]
    : undefined;
