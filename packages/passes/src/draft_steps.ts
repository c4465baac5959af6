import { bytesOf, defOf, isNode, type Node, rootsOf, type TensorType } from "@fusewire/ir";
import { type Draft, type DraftStep, type Memory, type Place, replaceable, type Scratch } from "./draft.ts";
import type { MemoryRules } from "./engine.ts";
import type { Lowered } from "./lowered.ts";
import type { ProgramBuffer } from "./program.ts";
import type { StateUpdates } from "./state_updates.ts";
import { baseOf, type ViewOffset } from "./views.ts";

/**
 * Gives every node a place: leaves their buffers, views a part of their source's place, the new values of states the
 * state's memory where `updates` says so, and scratch memory to the rest. What is needed after the last step although
 * its state was overwritten is saved before the first one; new values that lie elsewhere are copied after the last.
 */
export function draftSteps(
  { entry, states, module }: Lowered,
  updates: StateUpdates,
  viewOffset: ViewOffset,
  rules: MemoryRules,
): Draft {
  const draft = new DraftBuilder(updates, viewOffset, rules, module.layers);
  for (const { name, type } of states) draft.addState(name, type);
  const base = (node: Node): Node => baseOf(node, viewOffset);
  const keepsOwn = (name: string, written: Node): boolean => isOld(base(written), name);
  const changed = new Set([...entry.writes].flatMap(([name, node]) => (keepsOwn(name, node) ? [] : [name])));
  for (const node of new Set(rootsOf(entry).map(base)))
    if (isNode(node, "state") && changed.has(node.attrs.name)) draft.save(node);
  const dies = lastReads(updates.order, rootsOf(entry), base);
  for (const [position, node] of updates.order.entries())
    draft.add(node, (input) => dies.get(base(input)) === position);
  for (const [name, node] of entry.writes) if (changed.has(name)) draft.store(name, node);
  return draft.finish(entry.outputs);
}

const isOld = (node: Node, state: string): boolean => isNode(node, "state") && node.attrs.name === state;

/** The position of the last node that reads each value's memory; infinite for what is kept. */
function lastReads(
  order: readonly Node[],
  kept: readonly Node[],
  base: (node: Node) => Node,
): Map<Node, number> {
  const last = new Map<Node, number>();
  for (const [position, node] of order.entries())
    for (const input of node.inputs) last.set(base(input), position);
  for (const node of kept) last.set(base(node), Number.POSITIVE_INFINITY);
  return last;
}

class DraftBuilder {
  readonly #buffers: ProgramBuffer[] = [];
  readonly #scratch: Scratch[] = [];
  readonly #steps: DraftStep[] = [];
  readonly #places = new Map<Node, Place>();
  readonly #states = new Map<string, Memory>();
  readonly #saved = new Map<Node, Place>();
  readonly #updates: StateUpdates;
  readonly #viewOffset: ViewOffset;
  readonly #rules: MemoryRules;
  readonly #layers: ReadonlyMap<Node, string>;

  constructor(
    updates: StateUpdates,
    viewOffset: ViewOffset,
    rules: MemoryRules,
    layers: ReadonlyMap<Node, string>,
  ) {
    this.#updates = updates;
    this.#viewOffset = viewOffset;
    this.#rules = rules;
    this.#layers = layers;
  }

  addState(name: string, type: TensorType): void {
    this.#states.set(name, this.#addBuffer({ kind: "state", name, bytes: this.#align(bytesOf(type)) }));
  }

  /** Copies a state's old value away, for it is wanted after the state has its new one. */
  save(old: Node & { readonly op: "state" }): void {
    const source = { memory: this.#states.get(old.attrs.name)!, offset: 0, type: old.type };
    const place = this.#newPlace(old.type);
    this.#copy(source, place, old);
    this.#saved.set(old, place);
  }

  /** Places a node and, unless it is a leaf or a view, adds the step that computes it. */
  add(node: Node, dies: (input: Node) => boolean): void {
    const place = this.#leafPlace(node) ?? this.#viewPlace(node) ?? this.#compute(node, dies);
    this.#places.set(node, place);
  }

  /** Makes sure that a state holds its new value after the last step. */
  store(state: string, written: Node): void {
    const memory = this.#states.get(state)!;
    const value = this.#keptPlace(written);
    if (value.memory !== memory) this.#copy(value, { memory, offset: 0, type: written.type }, written);
  }

  finish(outputs: ReadonlyMap<string, Node>): Draft {
    const places = new Map([...outputs].map(([name, node]) => [name, this.#keptPlace(node)]));
    for (const { memory } of places.values()) if (memory.kind === "scratch") memory.last = this.#steps.length;
    return { buffers: this.#buffers, scratch: this.#scratch, steps: this.#steps, outputs: places };
  }

  #leafPlace(node: Node): Place | undefined {
    const placed = (memory: Memory): Place => ({ memory, offset: 0, type: node.type });
    const bytes = this.#align(bytesOf(node.type));
    switch (node.op) {
      case "state":
        return placed(this.#states.get(node.attrs.name)!);
      case "param":
      case "prepared":
      case "input":
        return placed(this.#addBuffer({ kind: node.op, name: node.attrs.name, bytes }));
      case "constant": {
        const { values } = node.attrs;
        const name = `[${values.slice(0, 4).join(",")}${values.length > 4 ? ",…" : ""}]`;
        return placed(this.#addBuffer({ kind: "constant", name, bytes, type: node.type, values }));
      }
      default:
        return undefined;
    }
  }

  #viewPlace(node: Node): Place | undefined {
    const offset = this.#viewOffset(node);
    if (offset === undefined) return undefined;
    const source = this.#places.get(node.inputs[0]!)!;
    return { memory: source.memory, offset: source.offset + offset, type: node.type };
  }

  #compute(node: Node, dies: (input: Node) => boolean): Place {
    const reads = node.inputs.map((input) => this.#places.get(input)!);
    const state = this.#updates.overwrites.get(node);
    const inPlace = defOf(node).inPlace === true;
    const write: Place =
      state !== undefined
        ? { memory: this.#states.get(state)!, offset: 0, type: node.type }
        : inPlace && this.#isSpent(node, reads, dies)
          ? reads[0]!
          : this.#newPlace(node.type);
    if (inPlace && reads[0]!.memory !== write.memory) {
      // A kernel that works in place does so always; where its input must live on, it works on a copy.
      this.#copy(reads[0]!, write, node);
      reads[0] = write;
    } else if (write.memory.kind === "scratch" && this.#rules.readWriteSameBuffer)
      for (const spent of replaceable(node, reads)) write.memory.mayReplace.add(spent);
    this.#emit({ kernel: node.op, reads, write, attrs: node.attrs, layer: this.#layers.get(node) });
    return write;
  }

  /** Whether the first input's memory is scratch of just this value, and nothing else reads it now or later. */
  #isSpent(node: Node, [first, ...rest]: readonly Place[], dies: (input: Node) => boolean): boolean {
    const { memory } = first!;
    return (
      memory.kind === "scratch" &&
      memory.bytes === this.#align(bytesOf(node.type)) &&
      dies(node.inputs[0]!) &&
      rest.every((read) => read.memory !== memory)
    );
  }

  /** Where a value that the entry keeps lies after the last step. */
  #keptPlace(node: Node): Place {
    const place = this.#places.get(node)!;
    const saved = this.#saved.get(baseOf(node, this.#viewOffset));
    return saved ? { ...place, memory: saved.memory } : place;
  }

  #copy(from: Place, to: Place, node: Node): void {
    this.#emit({ kernel: "copy", reads: [from], write: to, attrs: {}, layer: this.#layers.get(node) });
  }

  #emit(step: DraftStep): void {
    const position = this.#steps.push(step) - 1;
    for (const { memory } of [...step.reads, step.write]) {
      if (memory.kind === "buffer") continue;
      memory.first = Math.min(memory.first, position);
      memory.last = Math.max(memory.last, position);
    }
  }

  #newPlace(type: TensorType): Place {
    const memory: Scratch = {
      kind: "scratch",
      bytes: this.#align(bytesOf(type)),
      first: Number.POSITIVE_INFINITY,
      last: 0,
      mayReplace: new Set(),
    };
    this.#scratch.push(memory);
    return { memory, offset: 0, type };
  }

  #addBuffer(buffer: ProgramBuffer): Memory {
    return { kind: "buffer", index: this.#buffers.push(buffer) - 1 };
  }

  #align(bytes: number): number {
    const { alignment } = this.#rules;
    return Math.ceil(bytes / alignment) * alignment;
  }
}
