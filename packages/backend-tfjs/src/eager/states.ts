import { bytesOf, emptyValue, FusewireError, isFloat, type StateDecl, type Value } from "@fusewire/ir";
import { checkStates, type Held, overlapOfStates, type States } from "@fusewire/passes";
import * as tf from "@tensorflow/tfjs-core";
import { copyValue, download, tensorBytes, upload } from "./transfer.ts";

export interface EagerStates extends States {
  /** Floats. */
  readonly tensors: Map<string, tf.Tensor>;
  /** All others. */
  readonly values: Map<string, Value>;
  /** A run is under way, or the states are gone. */
  status: "free" | "running" | "disposed";
}

/** States of zeros; called with the engine's backend current. */
export function createStates(
  decls: readonly StateDecl[],
  onDispose: (states: EagerStates) => void,
): EagerStates {
  const floats = decls.filter(({ type }) => isFloat(type.dtype));
  const others = decls.filter(({ type }) => !isFloat(type.dtype));
  const states: EagerStates = {
    decls,
    tensors: new Map(floats.map(({ name, type }) => [name, tf.keep(tf.zeros([...type.shape]))])),
    values: new Map(others.map(({ name, type }) => [name, emptyValue(type)])),
    status: "free",
    get disposed() {
      return states.status === "disposed";
    },
    dispose() {
      states.status = "disposed";
      for (const tensor of states.tensors.values()) tensor.dispose();
      states.tensors.clear();
      states.values.clear();
      onDispose(states);
    },
  };
  return states;
}

/** A copy of a state's value. */
export async function readState(states: EagerStates, name: string): Promise<Value> {
  const decl = states.decls.find((candidate) => candidate.name === name);
  if (!decl) throw new FusewireError(`there is no state '${name}'`);
  checkStates(states, name);
  const tensor = states.tensors.get(name);
  return copyValue(tensor ? await download(tensor, decl.type) : states.values.get(name)!);
}

/** Copies what lies in the shapes of both, through the host. */
export async function copyInto(
  from: EagerStates,
  to: EagerStates,
  use: (body: () => void) => void,
): Promise<void> {
  checkStates(from);
  for (const { name, runs } of overlapOfStates(from.decls, to.decls)) {
    const source = await readState(from, name);
    const { type } = to.decls.find((decl) => decl.name === name)!;
    const target = emptyValue(type);
    for (const run of runs) target.data.set(source.data.subarray(run.from, run.from + run.count), run.to);
    const before = to.tensors.get(name);
    if (!before) to.values.set(name, target);
    else
      use(() => {
        to.tensors.set(name, upload(target));
        before.dispose();
      });
  }
}

export function heldByStates({ tensors, values }: EagerStates): Held {
  const bytes = [
    ...[...tensors.values()].map(tensorBytes),
    ...[...values.values()].map(({ type }) => bytesOf(type)),
  ];
  return { bytes: bytes.reduce((sum, n) => sum + n, 0), tensors: bytes.length };
}
