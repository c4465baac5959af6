import type { Node, TensorType } from "@fusewire/ir";
import {
  type EngineTraits,
  type Executable,
  type Lowered,
  type Program,
  type ProgramSizes,
  planMemory,
  type Ref,
} from "@fusewire/passes";
import { evaluateConstants, leavesOf } from "./constants.ts";
import { encodeStep, type Launch, launchWords, type Places } from "./encode/index.ts";
import type { Heap } from "./heap.ts";
import { align, layOut } from "./layout.ts";
import { panelsOf, readsPanels } from "./panels.ts";
import { mayStayNarrow } from "./pieces.ts";
import { type Scratch, type ScratchNeeds, scratchBytesOf } from "./scratch.ts";
import type { WasmStates } from "./states.ts";
import { readsTiles, tilingOf } from "./tiles.ts";
import {
  giveBack,
  keyOf,
  type Loading,
  missingBytes,
  requireWeights,
  stagedBytes,
  storedBytes,
  type WasmWeights,
  type WeightRead,
  writeValue,
} from "./weights.ts";

/** A buffer whose address or content each run sets: the word with its address, and the leaf that it stands for. */
export interface Bound {
  readonly name: string;
  readonly cell: number;
  readonly type: TensorType;
}

export interface WasmExecutable extends Executable, ScratchNeeds {
  readonly weights: WasmWeights;
  /** The words that hold the address of each buffer of the program, the first at this address. */
  readonly cells: number;
  readonly cellCount: number;
  /** The steps, from here to `tableEnd`. */
  readonly table: number;
  readonly tableEnd: number;
  readonly inputs: readonly Bound[];
  readonly states: readonly Bound[];
  /** The states whose addresses the words hold since the last run. */
  boundTo: WasmStates | undefined;
  /** Buffers in the scratch memory, by their offset there. */
  readonly slots: readonly { readonly cell: number; readonly offset: number }[];
  readonly outputs: readonly { readonly name: string; readonly ref: Ref }[];
  disposed: boolean;
}

/** An entry planned: what it reads and in which layouts, and all the bytes that it will need. */
function layEntry(lowered: Lowered, traits: EngineTraits) {
  const leaves = leavesOf(lowered);
  const { program, values } = evaluateConstants(planMemory(lowered, traits));
  const { buffers } = program;
  const reads = weightReads(program, lowered, leaves);
  const launches = encode(program, 0, reads);
  const wordCount = launches.reduce((sum, launch) => sum + launchWords(launch).length, 0);
  // Cells, table, then what this entry alone owns: constants and inputs.
  const region = layOut([
    4 * buffers.length,
    4 * wordCount,
    ...buffers.map(({ kind, bytes }) => (kind === "constant" || kind === "input" ? bytes : 0)),
  ]);
  const slots = layOut(buffers.map(({ kind, bytes }) => (kind === "slot" ? bytes : 0)));
  const needs: ScratchNeeds = {
    slotBytes: slots.bytes,
    threadBytes: align(Math.max(0, ...launches.map(({ scratch }) => scratch))),
  };
  const launchCount = launches.length;
  return { program, values, reads, launchCount, wordCount, region, slots, needs };
}

/** The bytes that an entry will need, by the figures that `compileEntry` asks memory for. */
export function entrySizes(lowered: Lowered, traits: EngineTraits, threads: number): ProgramSizes {
  const { reads, region, needs } = layEntry(lowered, traits);
  return {
    weights: new Map([...reads.values()].map((read) => [keyOf(read), storedBytes(read)])),
    own: region.bytes,
    scratch: scratchBytesOf(needs, threads),
  };
}

/**
 * Plans an entry, reads the weights it lacks and writes its table of steps. All memory that it will need is asked for
 * before any weight is read, and given back when it does not come about.
 */
export async function compileEntry(
  heap: Heap,
  scratch: Scratch,
  traits: EngineTraits,
  lowered: Lowered,
  weights: WasmWeights,
  onDispose: (executable: WasmExecutable) => void,
): Promise<WasmExecutable> {
  const { program, values, reads, launchCount, wordCount, region, slots, needs } = layEntry(lowered, traits);
  const { buffers } = program;
  const lacks = [...reads.values()].filter((read) => missingBytes(weights, read) > 0);
  heap.require(
    lacks.reduce((sum, read) => sum + missingBytes(weights, read), 0) +
      Math.max(region.bytes + scratch.missing(needs), ...lacks.map(stagedBytes)),
    `the weights and values of '${program.entry}'`,
  );
  const { weightAddresses, address } = await takeMemory(
    heap,
    scratch,
    lowered,
    weights,
    reads,
    needs,
    region.bytes,
  );

  const at = (index: number): number => address + region.offsets[index]!;
  const [cells, table] = [at(0), at(1)];
  const { memory } = heap;
  new Uint32Array(memory.buffer, table, wordCount).set(encode(program, cells, reads).flatMap(launchWords));
  new Uint32Array(memory.buffer, cells, buffers.length).set(
    buffers.map((_, index) => weightAddresses.get(index) ?? at(2 + index)),
  );
  for (const [index, value] of values) writeValue(memory, at(2 + index), value);

  const bound = (kind: "input" | "state", leaves: Lowered["states"]): Bound[] =>
    leaves.flatMap(({ name, type }) => {
      const cell = buffers.findIndex((buffer) => buffer.kind === kind && buffer.name === name);
      return cell < 0 ? [] : [{ name, type, cell }];
    });
  const executable: WasmExecutable = {
    entry: lowered.entry.name,
    launches: launchCount,
    weights,
    cells,
    cellCount: buffers.length,
    table,
    tableEnd: table + 4 * wordCount,
    inputs: bound("input", lowered.entry.inputs),
    states: bound("state", lowered.states),
    boundTo: undefined,
    slots: buffers.flatMap(({ kind }, cell) =>
      kind === "slot" ? [{ cell, offset: slots.offsets[cell]! }] : [],
    ),
    ...needs,
    outputs: Object.entries(program.outputs).map(([name, ref]) => ({ name, ref })),
    disposed: false,
    dispose() {
      if (executable.disposed) return;
      executable.disposed = true;
      heap.free(address);
      onDispose(executable);
    },
  };
  return executable;
}

/** The weights of an entry, what it owns alone, and scratch memory now rather than at its first run; all or nothing. */
async function takeMemory(
  heap: Heap,
  scratch: Scratch,
  lowered: Lowered,
  weights: WasmWeights,
  reads: ReadonlyMap<number, WeightRead>,
  needs: ScratchNeeds,
  bytes: number,
) {
  const taken: Loading[] = [];
  let address: number | undefined;
  try {
    const weightAddresses = await requireWeights(heap, weights, lowered, reads, taken);
    address = heap.allocate(bytes);
    scratch.require(needs);
    return { weightAddresses, address };
  } catch (error) {
    if (address !== undefined) heap.free(address);
    await giveBack(heap, weights, taken);
    throw error;
  }
}

function encode({ steps }: Program, cells: number, reads: ReadonlyMap<number, WeightRead>): Launch[] {
  const layoutOf = (buffer: number) => reads.get(buffer)?.layout ?? "plain";
  const places: Places = {
    operand: ({ buffer, offset }) => [cells + 4 * buffer, layoutOf(buffer) === "bf16" ? offset / 2 : offset],
    isNarrow: ({ buffer }) => layoutOf(buffer) === "bf16",
    tilingOf: ({ buffer }) => {
      const layout = layoutOf(buffer);
      return typeof layout === "string" || layout.kind === "panels" ? undefined : layout;
    },
    panelsOf: ({ buffer }) => {
      const layout = layoutOf(buffer);
      return typeof layout === "string" || layout.kind !== "panels" ? undefined : layout;
    },
  };
  return steps.flatMap((step) => encodeStep(step, places));
}

/** How the entry reads each weight, by buffer. */
function weightReads(
  program: Program,
  lowered: Lowered,
  leaves: ReadonlyMap<string, Node>,
): Map<number, WeightRead> {
  const reads = new Map<number, WeightRead>();
  for (const [index, { kind, name }] of program.buffers.entries()) {
    if (kind !== "param" && kind !== "prepared") continue;
    const node = leaves.get(`${kind} ${name}`)!;
    const source = kind === "prepared" ? lowered.prepare.get(name)! : node;
    const tiling = readsTiles(index, program) ? tilingOf(source) : undefined;
    const panels = readsPanels(index, program) ? panelsOf(source) : undefined;
    const layout = tiling ?? panels ?? (mayStayNarrow(source, index, program) ? "bf16" : "plain");
    reads.set(index, { kind, name, node, layout });
  }
  return reads;
}
