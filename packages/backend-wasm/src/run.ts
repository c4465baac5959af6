import { FusewireError, formatType, sameType, type Value } from "@fusewire/ir";
import { checkRunnable, type Outputs } from "@fusewire/passes";
import type { Bound, WasmExecutable } from "./executable.ts";
import { readValue, type WasmStates } from "./states.ts";
import { writeValue } from "./weights.ts";

/** Writes what a run reads from outside: the addresses of states and scratch memory, and the inputs. */
export function bind(
  memory: WebAssembly.Memory,
  executable: WasmExecutable,
  states: WasmStates,
  inputs: ReadonlyMap<string, Value>,
  slots: number,
): void {
  checkRunnable(executable, states);
  const { entry, cells } = executable;
  // Everything is checked before anything is written, so that a run that fails here has changed nothing.
  const known = executable.boundTo === states;
  const stateAddresses = known ? [] : executable.states.map((bound) => stateAddress(entry, bound, states));
  const values = executable.inputs.map((bound) => inputValue(entry, bound, inputs));
  const cell = new Uint32Array(memory.buffer, cells, executable.cellCount);
  for (const [k, address] of stateAddresses.entries()) cell[executable.states[k]!.cell] = address;
  executable.boundTo = states;
  for (const slot of executable.slots) cell[slot.cell] = slots + slot.offset;
  for (const [k, bound] of executable.inputs.entries()) writeValue(memory, cell[bound.cell]!, values[k]!);
}

function stateAddress(entry: string, { name, type }: Bound, states: WasmStates): number {
  const decl = states.decls.find((candidate) => candidate.name === name);
  if (!decl || !sameType(decl.type, type))
    throw new FusewireError(
      `entry '${entry}' needs the state '${name}' : ${formatType(type)}, the states have ${decl ? formatType(decl.type) : "none of that name"}`,
    );
  return states.addresses.get(name)!;
}

function inputValue(entry: string, { name, type }: Bound, inputs: ReadonlyMap<string, Value>): Value {
  const value = inputs.get(name);
  if (!value || !sameType(value.type, type))
    throw new FusewireError(
      `entry '${entry}' needs the input '${name}' : ${formatType(type)}, was given ${value ? formatType(value.type) : "nothing"}`,
    );
  return value;
}

/** Copies the outputs of the run that has just ended. */
export function readOutputs(memory: WebAssembly.Memory, { outputs, cells }: WasmExecutable): Outputs {
  const cell = new DataView(memory.buffer, cells);
  return new Map(
    outputs.map(({ name, ref }) => {
      const address = cell.getUint32(4 * ref.buffer, true) + ref.offset;
      return [name, readValue(memory, address, ref.type)];
    }),
  );
}
