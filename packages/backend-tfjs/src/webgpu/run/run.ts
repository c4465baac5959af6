import { bytesOf, FusewireError, formatType, sameType, type TensorType, type Value } from "@fusewire/ir";
import { checkRunnable, type Outputs } from "@fusewire/passes";
import { WENT_WITH_DEVICE, WebGpuError } from "../device/errors.ts";
import { boundTo, locate } from "./bind.ts";
import type { BoundLaunch, GpuExecutable, Workshop } from "./executable.ts";
import { writeBytes } from "./memory.ts";
import { checkHome, type GpuStates } from "./states.ts";

/**
 * Runs a program a number of times in one submit, a pass each; steps hand over to each other through states, so the
 * host is not asked in between. Calls made one after another run in that order. A program without outputs is not
 * waited for.
 */
export async function runSteps(
  workshop: Workshop,
  executable: GpuExecutable,
  states: GpuStates,
  inputs: ReadonlyMap<string, Value>,
  times: number,
): Promise<Outputs[]> {
  const { device, memory, readBack, order, counts } = workshop;
  device.check();
  checkHome(states, memory);
  if (executable.workshop !== workshop)
    throw new WebGpuError("lost", `program '${executable.entry}' ${WENT_WITH_DEVICE}; compile it again`);
  checkRunnable(executable, states);
  const outputs = Object.entries(executable.program.outputs);
  const wanted = outputs.map(([, ref]) => ({ type: ref.type, ...locate(executable, states, ref) }));
  const staging = wanted.length > 0 ? readBack.open(wanted, times) : undefined;
  const submit = () => {
    // Again, for the submit may have waited: a buffer that is gone would be refused by the device, for all that use it.
    checkRunnable(executable, states);
    const bound = boundTo(workshop, executable, states);
    writeInputs(workshop, executable, inputs);
    const encoder = device.device.createCommandEncoder();
    for (let step = 0; step < times; step++) {
      encodeStep(encoder, bound);
      staging?.encode(encoder, step);
    }
    device.device.queue.submit([encoder.finish()]);
    counts.submits += 1;
  };
  try {
    await order.enqueue([states.checked, staging?.checked], submit);
  } catch (error) {
    staging?.drop();
    throw error;
  }
  const values = (await staging?.finish()) ?? [];
  device.check();
  return Array.from(
    { length: times },
    (_, step) => new Map(outputs.map(([name], k) => [name, values[step]![k]!])),
  );
}

function encodeStep(encoder: GPUCommandEncoder, bound: readonly BoundLaunch[]): void {
  const pass = encoder.beginComputePass();
  let current: GPUComputePipeline | undefined;
  for (const { pipeline, group, groups } of bound) {
    if (pipeline !== current) pass.setPipeline(pipeline);
    current = pipeline;
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...groups);
  }
  pass.end();
}

/** Below this, comparing bytes is cheaper than writing them again. */
const COMPARED = 4096;

/** Writes the inputs that are not what their buffer holds already. */
function writeInputs(
  { device }: Workshop,
  { inputs: declared, written }: GpuExecutable,
  inputs: ReadonlyMap<string, Value>,
): void {
  for (const [name, { type, buffer }] of declared) {
    const value = inputs.get(name);
    checkInput(name, value?.type, type);
    const { data } = value!;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (bytesOf(type) <= COMPARED) {
      const before = written.get(name);
      if (before?.every((byte, k) => byte === bytes[k])) continue;
      written.set(name, bytes.slice());
    }
    writeBytes(device.device, buffer, data);
  }
}

/** Throws unless an input is of the type that the program was compiled for. */
function checkInput(name: string, found: TensorType | undefined, declared: TensorType): void {
  if (!found) throw new FusewireError(`input '${name}' is missing`);
  if (!sameType(found, declared))
    throw new FusewireError(`input '${name}' is ${formatType(found)}, not ${formatType(declared)}`);
}
