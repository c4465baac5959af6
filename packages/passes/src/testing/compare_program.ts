/** For tests: whether a program does what its entry means, and keeps the engine's rules. */
import {
  bytesOf,
  defOf,
  type Environment,
  interpret,
  isElementwise,
  type OpName,
  sizeOf,
  type Value,
} from "@fusewire/ir";
import { expectClose, randomEnvironment } from "@fusewire/ir/testing";
import type { MemoryRules } from "../engine/engine.ts";
import type { Lowered } from "../engine/lowered.ts";
import { planMemory } from "../plan/plan_memory.ts";
import type { Program, Ref, Step } from "../plan/program.ts";
import { ProgramRunner } from "./run_program.ts";

const RUNS = 3;

/** All combinations of what engines ask for: wasm-like and WebGPU-like, and what lies between. */
export const RULES: readonly MemoryRules[] = [4, 256].flatMap((alignment) =>
  [true, false].map((readWriteSameBuffer) => ({ alignment, readWriteSameBuffer })),
);

export const plan = (lowered: Lowered, memory: MemoryRules): Program =>
  planMemory(lowered, { name: "test", attention: [], claims: () => true, memory });

/** Throws unless the program keeps the rules and gives, bit for bit, what the interpreter gives, for several steps. */
export function expectProgram(lowered: Lowered, rules: MemoryRules, seed: number): Program {
  const program = plan(lowered, rules);
  checkRules(program, rules);
  checkCopies(program);
  const { entry, module } = lowered;
  const first = randomEnvironment(module, seed);
  const states = new Map(lowered.states.map(({ name }) => [name, first.states(name)]));
  const runner = new ProgramRunner(program);
  for (const [name, value] of states) runner.writeState(name, value);
  for (let step = 0; step < RUNS; step++) {
    const { inputs } = randomEnvironment(module, seed + step);
    const environment: Environment = { params: first.params, states: (name) => states.get(name)!, inputs };
    const expected = interpret(module, entry.name, environment);
    const prepared = (name: string): Value => {
      const node = module.prepare.get(name)!;
      const entries = [{ name: "value", inputs: [], outputs: new Map([[name, node]]), writes: new Map() }];
      return interpret({ ...module, entries }, "value", environment).outputs.get(name)!;
    };
    const outputs = runner.run({ param: first.params, prepared, input: inputs });
    for (const [name, value] of expected.outputs)
      expectClose(outputs.get(name)!, value, 0, `step ${step}: '${name}'`);
    for (const [name, value] of expected.writes) states.set(name, value);
    for (const [name, value] of states)
      expectClose(runner.readState(name, value.type), value, 0, `step ${step}: state '${name}'`);
  }
  return program;
}

function checkRules(
  { buffers, steps, outputs }: Program,
  { alignment, readWriteSameBuffer }: MemoryRules,
): void {
  const fail = (what: string): never => {
    throw new Error(what);
  };
  for (const { name, bytes } of buffers) if (bytes % alignment !== 0) fail(`buffer ${name} is not aligned`);
  const checkRef = ({ buffer, offset, type }: Ref): void => {
    if (offset % alignment !== 0) fail(`offset ${offset} is not aligned`);
    if (offset + bytesOf(type) > buffers[buffer]!.bytes)
      fail(`a tensor ends behind ${buffers[buffer]!.name}`);
  };
  Object.values(outputs).forEach(checkRef);
  for (const step of steps) {
    [...step.reads, step.write].forEach(checkRef);
    const aside = isInPlace(step) ? step.reads.slice(1) : step.reads;
    const replaced = aside.filter(({ buffer }) => buffer === step.write.buffer);
    const allowed =
      readWriteSameBuffer && isElementwiseStep(step) && replaced.every((ref) => inStep(ref, step.write));
    if (replaced.length > 0 && !allowed) fail(`${step.kernel} writes a buffer that it reads`);
    if (isInPlace(step) && !sameRef(step.reads[0]!, step.write)) fail(`${step.kernel} is not in place`);
    const { kind, name } = buffers[step.write.buffer]!;
    if (kind !== "slot" && kind !== "state") fail(`${step.kernel} writes ${kind} ${name}`);
  }
}

/** Each copy of a state's memory is reported. */
function checkCopies({ buffers, steps, copies }: Program): void {
  const ofStates = steps.filter(
    ({ kernel, reads, write }) =>
      kernel === "copy" && [...reads, write].some(({ buffer }) => buffers[buffer]!.kind === "state"),
  );
  if (ofStates.length !== copies.length)
    throw new Error(`${ofStates.length} steps copy states, and ${copies.length} copies are reported`);
}

/** Whether element i of both is at one place, so that each is read before it is overwritten. */
const inStep = (read: Ref, write: Ref): boolean =>
  sameRef(read, write) &&
  sizeOf(read.type.shape) === sizeOf(write.type.shape) &&
  bytesOf(read.type) === bytesOf(write.type);

const isElementwiseStep = ({ kernel }: Step): boolean =>
  kernel !== "copy" && isElementwise({ op: kernel as OpName });

const isInPlace = ({ kernel }: Step): boolean =>
  kernel !== "copy" && defOf({ op: kernel as OpName }).inPlace === true;

const sameRef = (a: Ref, b: Ref): boolean => a.buffer === b.buffer && a.offset === b.offset;

/** The most bytes that are needed at once: of the values alive in some step, no plan can do with less. */
export function largestLiveSet({ buffers, steps, outputs }: Program): number {
  const alive = new Map<string, { first: number; last: number; bytes: number }>();
  const current = new Map<number, string>();
  for (const [position, { reads, write }] of steps.entries()) {
    for (const { buffer } of reads) {
      const value = alive.get(current.get(buffer) ?? "");
      // What the step overwrites while it reads it is not alive beside the result.
      if (value) value.last = buffer === write.buffer ? position - 1 : position;
    }
    if (buffers[write.buffer]!.kind !== "slot") continue;
    const name = `${write.buffer}@${position}`;
    current.set(write.buffer, name);
    alive.set(name, { first: position, last: position, bytes: bytesOf(write.type) });
  }
  for (const { buffer } of Object.values(outputs)) {
    const value = alive.get(current.get(buffer) ?? "");
    if (value) value.last = steps.length;
  }
  return Math.max(
    0,
    ...steps.map((_, at) =>
      [...alive.values()].reduce(
        (sum, { first, last, bytes }) => (first <= at && at <= last ? sum + bytes : sum),
        0,
      ),
    ),
  );
}
