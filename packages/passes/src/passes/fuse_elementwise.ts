import { fusedElementwise, isFusable, isNode, type Node, sameShape, uniformValue } from "@fusewire/ir";
import { mapEntries, type Pass } from "../pass.ts";
import { closedNodes, countUses } from "../users.ts";

/** As many inputs as the op takes. */
const MAX_INPUTS = 7;

/** A region as its inputs and the instructions of `fused_elementwise`. */
interface Region {
  readonly inputs: readonly Node[];
  readonly body: readonly string[];
}

/**
 * a(b(x), y) => fused_elementwise(x, y): elementwise ops whose only reader is elementwise too, and as large, run in
 * their reader's launch. Integers stay apart: their arithmetic wraps, which bodies do not express.
 */
export const fuseElementwise: Pass = {
  name: "fuse_elementwise",
  run: (module) =>
    mapEntries(module, (entry) => {
      const uses = countUses(entry);
      const closed = closedNodes(entry);
      return (node, original) => {
        if (!isFusable(node.op) || !real(node) || closed.has(original)) return node;
        const parts = node.inputs.map((input, side): Region | undefined => {
          const once = uses.get(original.inputs[side]!) === 1 && !closed.has(original.inputs[side]!);
          return once && sameShape(input.type.shape, node.type.shape) ? asRegion(input) : undefined;
        });
        if (!parts.some((part) => part)) return node;
        const { inputs, body } = join(node, parts);
        return inputs.length <= MAX_INPUTS ? fusedElementwise(inputs, body) : node;
      };
    }),
};

const real = (node: Node): boolean =>
  [node, ...node.inputs].every(({ type }) => type.dtype === "f32" || type.dtype === "bool");

function asRegion(node: Node): Region | undefined {
  if (isNode(node, "fused_elementwise")) return { inputs: node.inputs, body: node.attrs.body };
  return isFusable(node.op) && real(node) ? join(node, []) : undefined;
}

/** One instruction for `node`, after the instructions of those inputs that are regions themselves. */
function join(node: Node, parts: readonly (Region | undefined)[]): Region {
  const inputs: Node[] = [];
  const body: string[] = [];
  const inputRef = (input: Node): string => {
    const literal =
      input.type.dtype === "f32" && input.type.shape.length === 0 ? uniformValue(input) : undefined;
    if (literal !== undefined) return String(literal);
    if (!inputs.includes(input)) inputs.push(input);
    return `$${inputs.indexOf(input)}`;
  };
  const operands = node.inputs.map((input, side) => {
    const part = parts[side];
    if (!part) return inputRef(input);
    const first = body.length;
    for (const line of part.body) body.push(renumber(line, (k) => inputRef(part.inputs[k]!), first));
    return `%${body.length - 1}`;
  });
  body.push([node.op, ...operands].join(" "));
  return { inputs, body };
}

const renumber = (line: string, inputRef: (index: number) => string, first: number): string =>
  line.replace(/([$%])(\d+)/g, (_all, kind: string, index: string) =>
    kind === "$" ? inputRef(Number(index)) : `%${Number(index) + first}`,
  );
