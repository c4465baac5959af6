import type { Layout, NodeOf, OpName, StateDecl, Value } from "@fusewire/ir";
import type { AttentionKernel, Lowered } from "./lowered.ts";

/** What the planner must respect when it lays out memory for an engine. */
export interface MemoryRules {
  /** Bytes to which every buffer, and every part of one that is bound, must be aligned. */
  readonly alignment: number;
  /** Whether one buffer may be read and written in the same launch (WebGPU: no). */
  readonly readWriteSameBuffer: boolean;
}

/** Bytes that one entry takes on a device, apart from its states. */
export interface ProgramSizes {
  /** Of each weight in the layout in which the entry reads it. Entries that have a key in common share the weight. */
  readonly weights: ReadonlyMap<string, number>;
  /** What is the entry's alone as long as it exists: constants, inputs, its steps. */
  readonly own: number;
  /** Values inside a step, in memory that entries share. */
  readonly scratch: number;
}

/** What the passes need to know of an engine. */
export interface EngineTraits {
  /** Name as users write it for `device`. */
  readonly name: string;
  /**
   * Whether the engine has a kernel for the op and, where the op reads numbers of few bits, for how those lie; a
   * composite that it does not claim is expanded.
   */
  readonly claims: (op: OpName, layout?: Layout) => boolean;
  /** Kernels for attention beside `math`, which every engine can do; the one it takes by itself comes first. */
  readonly attention: readonly AttentionKernel[];
  readonly memory: MemoryRules;
  /** The bytes that an entry will take, where the engine keeps weights in layouts of its own; see `programSizes`. */
  readonly sizesOf?: (lowered: Lowered) => ProgramSizes;
}

/** Reads one weight of the checkpoint, already in the dtype the graph declares for it. */
export interface WeightSource {
  (name: string): Promise<Value>;
  /** How an engine in another thread opens the same source there, rather than have values brought to it. */
  readonly elsewhere?: SourceElsewhere | undefined;
}

export interface SourceElsewhere {
  /** Plain data that says what to open. */
  readonly recipe: unknown;
  /** Answers what it asks of this thread, with data that nobody else holds. */
  readonly answer: (request: unknown) => Promise<unknown>;
  readonly hear: (event: unknown) => void;
}

/** Weights on the device, shared by all executables of a model; uploaded when an executable first needs them. */
export interface Weights {
  readonly source: WeightSource;
  /** Whether `dispose` was called: programs compiled with them are refused from then on. */
  readonly disposed: boolean;
  dispose(): void;
}

/** States on the device, apart from programs: one model serves many caches. */
export interface States {
  readonly decls: readonly StateDecl[];
  /** Whether they went with a device that was lost; see `restore`. */
  readonly lost?: boolean;
  /** Whether `dispose` was called: whoever uses them gets a `DisposedError`. */
  readonly disposed: boolean;
  dispose(): void;
}

/** One compiled entry. */
export interface Executable {
  readonly entry: string;
  /** Kernels that one run starts. */
  readonly launches: number;
  /** Whether it went with a device that was lost; see `restore`. */
  readonly lost?: boolean;
  /** Whether `dispose` was called: whoever runs it gets a `DisposedError`. */
  readonly disposed: boolean;
  dispose(): void;
}

/** What one run returns. */
export type Outputs = ReadonlyMap<string, Value>;

/** Bytes and objects an engine holds at this moment. */
export interface Held {
  readonly bytes: number;
  readonly tensors: number;
}

/** Sets of kernels that an engine offers for one device. Programs keep the set they were compiled with. */
export interface EngineVariants {
  readonly names: readonly string[];
  readonly current: () => string;
  /** Takes a set for all that is compiled from now on. */
  readonly use: (name: string) => void;
}

/** Something that runs lowered graphs. */
export interface Engine extends EngineTraits {
  /** What its user should know of how it runs here: that it has fewer threads than were asked for, say. */
  readonly notice?: string | undefined;
  /** Where there is a choice; see `max-autotune` of compile(). */
  readonly variants?: EngineVariants;
  /** An empty set of device weights fed from `source`. */
  createWeights(source: WeightSource): Weights;
  /** States filled with zeros. */
  createStates(decls: readonly StateDecl[]): States;
  /** Compiles the one entry of `lowered` and uploads what weights it still lacks. */
  compile(lowered: Lowered, weights: Weights): Promise<Executable>;
  /** A fast way to scales of groups on the host, for engines that quantize there. */
  readonly groupScales?: (scales: NodeOf<"group_scales">, source: WeightSource) => Promise<Value>;
  /** Submits worth having under way while the host reads an earlier one; 0 where the host itself computes. */
  readonly runAhead: number;
  /**
   * Runs one step: reads inputs and states, writes states, returns the outputs on the host. Where the program, its
   * weights or the states were disposed, the call fails with a `DisposedError`, and the engine works on.
   */
  run(executable: Executable, states: States, inputs: ReadonlyMap<string, Value>): Promise<Outputs>;
  /**
   * Runs a step several times in one submit, with the same inputs; the outputs of each. An engine that sees outputs
   * between the steps stops once no element of the output `until` is 0.
   */
  runTimes(
    executable: Executable,
    states: States,
    inputs: ReadonlyMap<string, Value>,
    times: number,
    until?: string,
  ): Promise<readonly Outputs[]>;
  /**
   * New states of the types in `decls`, which take from `states` what lies in both shapes of each (indices from 0 on
   * along every axis) and are zero elsewhere. Ranks and dtypes must agree.
   */
  copyStates(states: States, decls: readonly StateDecl[]): Promise<States>;
  readState(states: States, name: string): Promise<Value>;
  /**
   * Where the device can be lost: opens another one if it was. Weights are read again when a program needs them;
   * executables and states from before are `lost`, and whoever holds them makes others.
   */
  restore?(): Promise<void>;
  held(): Held;
  /** Frees everything; a promise where memory comes back a moment later. */
  dispose(): void | Promise<void>;
}
