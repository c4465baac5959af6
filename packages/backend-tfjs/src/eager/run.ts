import { defOf, FusewireError, type Value } from "@fusewire/ir";
import { DisposedError, type Outputs } from "@fusewire/passes";
import * as tf from "@tensorflow/tfjs-core";
import type { Device } from "./backend.ts";
import { bind, type Slots } from "./bind.ts";
import type { EagerExecutable } from "./executable.ts";
import type { AnyKernel, Operands } from "./kernel.ts";
import type { Step } from "./plan.ts";
import { hostOf, releaseSlot, type Slot, tensorOf } from "./slot.ts";
import type { EagerStates } from "./states.ts";
import { copyValue } from "./transfer.ts";

/** Runs one step of an entry. When anything in it fails, the states are as they were. */
export async function runEntry(
  device: Device,
  executable: EagerExecutable,
  states: EagerStates,
  inputs: ReadonlyMap<string, Value>,
): Promise<Outputs> {
  if (states.status === "running")
    throw new FusewireError("the states are in use by another run; await it first");
  const slots = bind(executable, states, inputs);
  states.status = "running";
  try {
    const { steps } = executable.plan;
    let next = 0;
    while (next < steps.length) {
      next = device.use(() => runUntilAway(steps, next, slots));
      for (const node of steps[next]?.onHost ?? []) await hostOf(slots.get(node)!);
    }
    const outputs = new Map<string, Value>();
    // Copied, for the cpu backend reads back its own memory, which may become a state's.
    for (const [name, node] of executable.source.outputs)
      outputs.set(name, copyValue(await hostOf(slots.get(node)!)));
    await writeStates(device, executable, states, slots);
    return outputs;
  } finally {
    for (const slot of slots.values()) releaseSlot(slot);
    if (states.status === "running") states.status = "free";
  }
}

/** Runs steps until one needs a value on the host that is still in tfjs; returns that step's number. */
function runUntilAway(steps: readonly Step[], from: number, slots: Slots): number {
  for (let i = from; i < steps.length; i++) {
    const step = steps[i]!;
    if (step.onHost.some((node) => !slots.get(node)!.host)) return i;
    slots.set(step.node, runStep(step, slots));
    for (const node of step.frees) {
      releaseSlot(slots.get(node)!);
      slots.delete(node);
    }
  }
  return steps.length;
}

function runStep({ node, kernel }: Step, slots: Slots): Slot {
  const inputs = node.inputs.map((input) => slots.get(input)!);
  const { type } = node;
  if (kernel) return { type, tensor: runKernel(kernel, inputs, node) };
  const values = inputs.map(({ host }) => host!);
  return { type, host: defOf(node).evaluate!(values, node.attrs, type) };
}

function runKernel(kernel: AnyKernel, inputs: readonly Slot[], node: Step["node"]): tf.Tensor {
  const operands: Operands = {
    count: inputs.length,
    tensor: (k) => tensorOf(inputs[k]!),
    value: (k) => inputs[k]!.host!,
    known: (k) => inputs[k]!.host,
    transposed: (k) => inputs[k]!.resident?.transposed ?? false,
  };
  return tf.tidy(() => {
    const result = kernel.run(operands, node.attrs, node.type);
    // Every slot frees its own tensor, so one that a kernel merely passes on gets a second handle.
    return tf.keep(inputs.some((input) => tensorOfIfAny(input) === result) ? tf.clone(result) : result);
  });
}

const tensorOfIfAny = ({ tensor, resident }: Slot): tf.Tensor | undefined => resident?.tensor ?? tensor;

/** Puts the new values in the states' place, all of them or none. */
async function writeStates(
  device: Device,
  { source }: EagerExecutable,
  states: EagerStates,
  slots: Slots,
): Promise<void> {
  const values = new Map<string, Value>();
  for (const [name, node] of source.writes)
    if (states.values.has(name)) values.set(name, copyValue(await hostOf(slots.get(node)!)));
  const tensors = new Map<string, tf.Tensor>();
  try {
    device.use(() => {
      // A second handle on the same memory: the run frees its own, and one value may go to two states.
      for (const [name, node] of source.writes)
        if (!values.has(name)) tensors.set(name, tf.keep(tf.clone(tensorOf(slots.get(node)!))));
    });
    if (states.disposed) throw new DisposedError("the states were disposed during a run");
  } catch (error) {
    for (const tensor of tensors.values()) tensor.dispose();
    throw error;
  }
  for (const [name, value] of values) states.values.set(name, value);
  for (const [name, tensor] of tensors) {
    states.tensors.get(name)!.dispose();
    states.tensors.set(name, tensor);
  }
}
