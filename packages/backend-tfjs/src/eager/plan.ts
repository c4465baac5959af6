import { defOf, type Entry, isNode, type Node, rootsOf, topological } from "@fusewire/ir";
import type { AnyKernel } from "./kernel.ts";
import { kernelOf } from "./kernels/index.ts";
import { isWeight, isWidening, launches, type Place, placeOf } from "./placement.ts";

/** One node to compute in a run. */
export interface Step {
  readonly node: Node;
  /** Runs in tfjs; without one the op table evaluates the node on the host. */
  readonly kernel: AnyKernel | undefined;
  /** Inputs that must be on the host before the step. */
  readonly onHost: readonly Node[];
  /** Inputs that no later step reads. */
  readonly frees: readonly Node[];
}

/** How a weight is read: as the second, transposed operand of products; by rows; or in some other way. */
export type WeightUse = "product" | "rows" | "other";

/** A weight of the entry: `leaf` is the param or prepared node, `reads` the nodes that stand for its value. */
export interface WeightRead {
  readonly leaf: Node;
  readonly reads: Node[];
  readonly uses: Set<WeightUse>;
}

export interface Plan {
  readonly steps: readonly Step[];
  readonly weights: readonly WeightRead[];
  /** Nodes without inputs that are the same in every run. */
  readonly constants: readonly Node[];
  readonly states: readonly Node[];
  readonly inputs: readonly Node[];
  readonly launches: number;
}

/** Decides for every node of an entry where it runs, and when values are let go. */
export function planEntry(entry: Entry): Plan {
  const roots = rootsOf(entry);
  const order = topological(roots);
  const places = new Map<Node, Place>();
  const weights = new Map<Node, WeightRead>();
  const steps: Omit<Step, "frees">[] = [];
  for (const node of order) {
    places.set(
      node,
      placeOf(node, (input) => places.get(input)!),
    );
    const weight = weightOf(node);
    if (weight) {
      const read = weights.get(weight) ?? { leaf: weight, reads: [], uses: new Set() };
      weights.set(weight, read);
      read.reads.push(node);
    } else if (!isGiven(node)) {
      const kernel = places.get(node) === "tfjs" ? kernelOf(node) : undefined;
      const onHost = kernel ? (kernel.onHost ?? []).map((k) => node.inputs[k]!) : node.inputs;
      steps.push({ node, kernel, onHost });
    }
  }
  const read = (node: Node, use: WeightUse) => {
    const weight = weightOf(node);
    if (weight) weights.get(weight)!.uses.add(use);
  };
  for (const { node, kernel } of steps)
    for (const [k, input] of node.inputs.entries()) read(input, kernel ? useOf(node, k) : "other");
  for (const root of roots) read(root, "other");
  return {
    steps: withFrees(steps, roots),
    weights: [...weights.values()],
    constants: order.filter((node) => isConstant(node)),
    states: order.filter((node) => node.op === "state"),
    inputs: order.filter((node) => node.op === "input"),
    launches: steps.filter(({ node, kernel }) => kernel && launches(node)).length,
  };
}

/** The weight whose value the node is: a leaf, or one that is stored narrow and read wide. */
function weightOf(node: Node): Node | undefined {
  if (isWeight(node)) return node;
  return isWidening(node) && isWeight(node.inputs[0]!) ? node.inputs[0] : undefined;
}

const isConstant = (node: Node): boolean => node.inputs.length === 0 && !defOf(node).leaf;

/** Whether the node's value is there before the run. */
const isGiven = (node: Node): boolean => node.inputs.length === 0;

function useOf(node: Node, k: number): WeightUse {
  const matrix = node.inputs[k]!.type.shape.length === 2;
  if (isNode(node, "matmul") && k === 1 && node.attrs.transposeB && matrix) return "product";
  if (isNode(node, "gather") && k === 0 && node.attrs.batch === 0 && matrix) return "rows";
  return "other";
}

function withFrees(steps: readonly Omit<Step, "frees">[], roots: readonly Node[]): Step[] {
  const last = new Map<Node, Node>();
  for (const { node } of steps) for (const input of node.inputs) last.set(input, node);
  for (const root of roots) last.delete(root);
  return steps.map((step) => ({
    ...step,
    frees: [...new Set(step.node.inputs)].filter((input) => last.get(input) === step.node),
  }));
}
