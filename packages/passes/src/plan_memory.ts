import { bytesOf, isNode, type Node, overwrites, stridesOf, type TensorType } from "@fusewire/ir";
import type { EngineTraits } from "./engine.ts";
import type { Lowered } from "./lowered.ts";
import type { Program, ProgramBuffer, Ref, Step } from "./program.ts";
import { schedule } from "./schedule.ts";

/**
 * Turns a lowered entry into a program: nodes in order, leaves and views as references, and every other value in a
 * slot of scratch memory that later values reuse. New state values overwrite the state where the op may (see
 * `inPlace`), and are copied into it at the end of the step otherwise.
 */
export function planMemory(lowered: Lowered, engine: EngineTraits): Program {
  const order = schedule(lowered);
  const { entry } = lowered;
  const buffers: ProgramBuffer[] = [];
  const refs = new Map<Node, Ref>();
  const stateBuffers = new Map<string, number>();
  const addBuffer = (buffer: ProgramBuffer): number => buffers.push(buffer) - 1;
  for (const { name, type } of lowered.states)
    stateBuffers.set(name, addBuffer({ kind: "state", name, bytes: align(bytesOf(type)) }));

  const lastUse = lastUses(order, [...entry.outputs.values(), ...entry.writes.values()], (node) =>
    isView(node),
  );
  const slots = createSlots(engine.memory.readWriteSameBuffer);
  const steps: Step[] = [];
  for (const [position, node] of order.entries()) {
    const view = viewOf(node);
    const leaf = leafBuffer(node);
    if (leaf) {
      refs.set(node, {
        buffer: leaf.kind === "state" ? stateBuffers.get(leaf.name)! : addBuffer(leaf),
        offset: 0,
        type: node.type,
      });
      continue;
    }
    if (view) {
      const source = refs.get(node.inputs[0]!)!;
      refs.set(node, { ...source, offset: source.offset + view.offset, type: node.type });
      continue;
    }
    const reads = node.inputs.map((input) => refs.get(input)!);
    const inPlace = writtenState(node);
    const write: Ref =
      inPlace === undefined
        ? { buffer: slots.take(node, bytesOf(node.type), position, reads), offset: 0, type: node.type }
        : { buffer: stateBuffers.get(inPlace)!, offset: 0, type: node.type };
    refs.set(node, write);
    steps.push({
      kernel: node.op,
      reads,
      write,
      attrs: node.attrs,
      layer: node.table.layerOf(node),
    });
    slots.release(position);
  }
  for (const [name, node] of entry.writes) {
    const target: Ref = { buffer: stateBuffers.get(name)!, offset: 0, type: node.type };
    const value = refs.get(node)!;
    if (value.buffer !== target.buffer)
      steps.push({ kernel: "copy", reads: [value], write: target, attrs: {}, layer: undefined });
  }
  return {
    entry: entry.name,
    buffers,
    steps,
    outputs: Object.fromEntries([...entry.outputs].map(([name, node]) => [name, refs.get(node)!])),
  };

  function align(bytes: number): number {
    return Math.ceil(bytes / engine.memory.alignment) * engine.memory.alignment;
  }

  /** The state this node overwrites, when it is that state's new value. */
  function writtenState(node: Node): string | undefined {
    for (const [name, written] of entry.writes) {
      const old = node.inputs[0];
      if (written === node && old && isNode(old, "state") && old.attrs.name === name && overwrites(node, old))
        return name;
    }
    return undefined;
  }

  function isView(node: Node): boolean {
    return viewOf(node) !== undefined;
  }

  /** The node as a part of its input's memory: a reshape, or a slice of one aligned run. */
  function viewOf(node: Node): { readonly offset: number } | undefined {
    if (node.op === "reshape") return { offset: 0 };
    if (!isNode(node, "slice")) return undefined;
    const offset = contiguousOffset(node.inputs[0]!.type, node.attrs.starts, node.attrs.sizes);
    return offset !== undefined && offset % engine.memory.alignment === 0 ? { offset } : undefined;
  }

  function createSlots(readWriteSameBuffer: boolean) {
    const free: number[] = [];
    const owner = new Map<number, Node>();
    return {
      /** A free slot for the value, grown when need be: the smallest that holds it, else the largest. */
      take(node: Node, size: number, position: number, reads: readonly Ref[]): number {
        const bytes = align(size);
        const usable = free.filter(
          (slot) => readWriteSameBuffer || reads.every(({ buffer }) => buffer !== slot),
        );
        const fitting = usable.filter((slot) => buffers[slot]!.bytes >= bytes);
        const smallest = (a: number, b: number) => buffers[a]!.bytes - buffers[b]!.bytes || a - b;
        const chosen = fitting.sort(smallest)[0] ?? usable.sort(smallest).at(-1);
        const slot = chosen ?? addBuffer({ kind: "slot", name: `slot${position}`, bytes });
        if (buffers[slot]!.bytes < bytes) buffers[slot] = { ...buffers[slot]!, bytes };
        if (chosen !== undefined) free.splice(free.indexOf(chosen), 1);
        owner.set(slot, node);
        return slot;
      },
      /** Frees the slots whose value nothing reads after this position. */
      release(position: number): void {
        for (const [slot, node] of owner) {
          if ((lastUse.get(node) ?? position) > position) continue;
          owner.delete(slot);
          free.push(slot);
        }
      },
    };
  }
}

/** The buffer a leaf stands for. */
function leafBuffer(node: Node): ProgramBuffer | undefined {
  const bytes = bytesOf(node.type);
  switch (node.op) {
    case "param":
    case "prepared":
    case "state":
    case "input":
      return { kind: node.op, name: node.attrs.name, bytes };
    case "constant":
      return { kind: "constant", name: `constant${node.id}`, bytes, values: node.attrs.values };
    default:
      return undefined;
  }
}

/** The position of the last step that reads each node's memory, through views too; Infinity for what is kept. */
function lastUses(
  order: readonly Node[],
  kept: readonly Node[],
  isView: (node: Node) => boolean,
): Map<Node, number> {
  const base = (node: Node): Node => (isView(node) ? base(node.inputs[0]!) : node);
  const last = new Map<Node, number>();
  for (const [position, node] of order.entries())
    for (const input of node.inputs) last.set(base(input), Math.max(last.get(base(input)) ?? 0, position));
  for (const node of kept) last.set(base(node), Number.POSITIVE_INFINITY);
  return last;
}

/** Byte offset of a slice whose elements lie in one run; undefined when they do not. */
function contiguousOffset(
  type: TensorType,
  starts: readonly number[],
  sizes: readonly number[],
): number | undefined {
  const strides = stridesOf(type.shape);
  // Before the first axis that is cut, all sizes must be 1; after it, all must be whole.
  const cut = sizes.findIndex((size) => size !== 1);
  const whole = sizes.every((size, k) => k <= cut || size === type.shape[k]);
  if (cut !== -1 && !whole) return undefined;
  const elements = starts.reduce((sum, start, k) => sum + start * strides[k]!, 0);
  return (elements * bytesOf({ dtype: type.dtype, shape: [] })) as number;
}
