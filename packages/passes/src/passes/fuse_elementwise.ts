import { fusedElementwise, isFusable, isNode, type Node, sameShape, uniformValue } from "@fusewire/ir";
import { mapEntries, type Pass } from "../rewrite/pass.ts";
import { closedNodes, countUses } from "../rewrite/users.ts";

/** As many inputs as the op takes. */
const MAX_INPUTS = 7;

/** Elementwise ops as one: its inputs and the instructions of `fused_elementwise`. */
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
        if (!isFusable(node.op) || !isReal(node) || closed.has(original)) return node;
        const parts = new Map<Node, Region>();
        for (const [side, input] of node.inputs.entries()) {
          const before = original.inputs[side]!;
          const readsHere = original.inputs.filter((other) => other === before).length;
          if (uses.get(before) !== readsHere || closed.has(before)) continue;
          const part = sameShape(input.type.shape, node.type.shape) ? asRegion(input) : undefined;
          if (part) parts.set(input, part);
        }
        const region = joinWithin(node, parts);
        return region ? fusedElementwise(region.inputs, region.body) : node;
      };
    }),
};

const isReal = (node: Node): boolean =>
  [node, ...node.inputs].every(({ type }) => type.dtype === "f32" || type.dtype === "bool");

function asRegion(node: Node): Region | undefined {
  if (isNode(node, "fused_elementwise")) return { inputs: node.inputs, body: node.attrs.body };
  return isFusable(node.op) && isReal(node) ? join(node, new Map()) : undefined;
}

/** Joins as many of the parts as the op has room for, those with the fewest inputs first; undefined when none fits. */
function joinWithin(node: Node, parts: ReadonlyMap<Node, Region>): Region | undefined {
  const bySize = [...parts].sort(([, a], [, b]) => a.inputs.length - b.inputs.length);
  for (let count = bySize.length; count > 0; count--) {
    const region = join(node, new Map(bySize.slice(0, count)));
    if (region.inputs.length <= MAX_INPUTS) return region;
  }
  return undefined;
}

/** One instruction for `node`, after the instructions of those inputs that are parts. */
function join(node: Node, parts: ReadonlyMap<Node, Region>): Region {
  const inputs: Node[] = [];
  const body: string[] = [];
  const results = new Map<Node, string>();
  const inputRef = (input: Node): string => {
    const literal = literalOf(input);
    if (literal !== undefined) return literal;
    if (!inputs.includes(input)) inputs.push(input);
    return `$${inputs.indexOf(input)}`;
  };
  for (const [input, part] of parts) {
    const first = body.length;
    for (const line of part.body) body.push(renumber(line, (k) => inputRef(part.inputs[k]!), first));
    results.set(input, `%${body.length - 1}`);
  }
  body.push([node.op, ...node.inputs.map((input) => results.get(input) ?? inputRef(input))].join(" "));
  return { inputs, body };
}

/** A scalar constant as a number in the body. */
function literalOf(node: Node): string | undefined {
  const value = node.type.dtype === "f32" && node.type.shape.length === 0 ? uniformValue(node) : undefined;
  return Object.is(value, -0) ? "-0" : value?.toString();
}

const renumber = (line: string, inputRef: (index: number) => string, first: number): string =>
  line.replace(/([$%])(\d+)/g, (_all, kind: string, index: string) =>
    kind === "$" ? inputRef(Number(index)) : `%${Number(index) + first}`,
  );
