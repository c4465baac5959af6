import { bytesOf, defOf, isNode, type Node, rootsOf, type TensorType } from "@fusewire/ir";
import type { MemoryRules } from "../engine/engine.ts";
import type { Lowered } from "../engine/lowered.ts";
import { type Draft, type DraftStep, type Memory, type Place, replaceable, type Scratch } from "./draft.ts";
import type { ProgramBuffer } from "./program.ts";
import type { StateUpdates } from "./state_updates.ts";
import { baseOf, type ViewOffset } from "./views.ts";

/**
 * Gives every node a place: leaves their buffers, views a part of their source's place, the new values of states the
 * state's memory where `updates` says so, and scratch memory to the rest. Of its copies, those of old values run before
 * the first step, and those of new values as soon as the old one was read for the last time, so that what they are
 * copied from lives no longer than it must.
 */
export function draftSteps(
  { entry, states, module }: Lowered,
  updates: StateUpdates,
  viewOffset: ViewOffset,
  rules: MemoryRules,
): Draft {
  const draft = new DraftBuilder(updates, viewOffset, rules, module.layers);
  for (const { name, type } of states) draft.addState(name, type);
  const { order, copies } = updates;
  const olds = new Map(order.flatMap((node) => (isNode(node, "state") ? [[node.attrs.name, node]] : [])));
  const lastReads = lastReadsOf(order, viewOffset);
  const kept = new Set(rootsOf(entry).map((node) => baseOf(node, viewOffset)));
  const positions = new Map(order.map((node, position) => [node, position] as const));
  const stores = copies.flatMap(({ state, what }) => {
    if (what !== "new value") return [];
    const [old, written] = [olds.get(state), entry.writes.get(state)!];
    return [{ state, written, ready: Math.max(positions.get(written)!, (old && lastReads.get(old)) ?? 0) }];
  });
  for (const { state, what } of copies) if (what === "old value") draft.save(olds.get(state)!);
  for (const [position, node] of order.entries()) {
    draft.add(node, (input) => {
      const base = baseOf(input, viewOffset);
      return lastReads.get(base) === position && !kept.has(base);
    });
    for (const { state, written, ready } of stores) if (ready === position) draft.store(state, written);
  }
  return draft.finish(entry.outputs);
}

/** The position of the last node that reads each value's memory. */
function lastReadsOf(order: readonly Node[], viewOffset: ViewOffset): Map<Node, number> {
  const last = new Map<Node, number>();
  for (const [position, node] of order.entries())
    for (const input of node.inputs) last.set(baseOf(input, viewOffset), position);
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

  /** Copies a state's new value to it. */
  store(state: string, written: Node): void {
    const memory = this.#states.get(state)!;
    this.#copy(this.#keptPlace(written), { memory, offset: 0, type: written.type }, written);
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
