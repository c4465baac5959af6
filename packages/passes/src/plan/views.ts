import { bytesPerElement, isNode, type Node, type Shape, stridesOf } from "@fusewire/ir";

/** Says where a node lies in its first input's memory, in bytes; undefined when it needs memory of its own. */
export type ViewOffset = (node: Node) => number | undefined;

/** Views as an engine can bind them: a reshape, or a slice whose elements lie in one run that starts aligned. */
export const viewsAligned =
  (alignment: number): ViewOffset =>
  (node) => {
    if (node.op === "reshape") return 0;
    if (!isNode(node, "slice")) return undefined;
    const source = node.inputs[0]!.type;
    const elements = runStart(source.shape, node.attrs.starts, node.attrs.sizes);
    if (elements === undefined) return undefined;
    const offset = elements * bytesPerElement(source.dtype);
    return offset % alignment === 0 ? offset : undefined;
  };

/** The node whose memory a chain of views shows. */
export function baseOf(node: Node, viewOffset: ViewOffset): Node {
  let base = node;
  while (viewOffset(base) !== undefined) base = base.inputs[0]!;
  return base;
}

/** The first element of a slice whose elements lie in one run; undefined when they do not. */
function runStart(shape: Shape, starts: Shape, sizes: Shape): number | undefined {
  const strides = stridesOf(shape);
  // Up to the first axis with more than one entry any cut is one run; after it, only whole axes are.
  const cut = sizes.findIndex((size) => size !== 1);
  const isRun = cut === -1 || sizes.every((size, k) => k <= cut || size === shape[k]);
  return isRun ? starts.reduce((sum, start, k) => sum + start * strides[k]!, 0) : undefined;
}
