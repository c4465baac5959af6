import { bytesOf, type StateDecl, type TensorType } from "@fusewire/ir";
import { type EngineTraits, type Lowered, type Program, planMemory } from "@fusewire/passes";
import type { GpuExecutable, Workshop } from "./executable.ts";
import { joinSteps } from "./joined_steps.ts";
import { withNibbles } from "./nibbles.ts";
import { constantData, packData } from "./packed.ts";
import { withParts } from "./parts.ts";
import { handoverBytes, record, weightsOf } from "./record.ts";
import { checkProgramFits } from "./room.ts";
import { type GpuWeights, releaseWeights, requireWeight, type WeightName } from "./weights.ts";

/** Plans memory, builds what pipelines are missing, and uploads what weights are missing. */
export async function compileEntry(
  workshop: Workshop,
  traits: EngineTraits,
  lowered: Lowered,
  weights: GpuWeights,
): Promise<GpuExecutable> {
  const { device, memory, scratch, variant } = workshop;
  const program = withParts(withNibbles(planMemory(lowered, traits), lowered), memory.largestBinding);
  const states = usedStates(program, lowered);
  const slots = program.buffers.flatMap(({ kind, bytes }) => (kind === "slot" ? [bytes] : []));
  const names = weightsOf(lowered, program);
  const joined = joinSteps(program, variant);
  const scratchSizes = [...slots, ...handoverBytes(joined)];
  checkProgramFits(workshop, program, { weights, names, states, scratch: scratchSizes });
  const recording = await record(program, joined, device.pipelines);
  const asked: WeightName[] = [];
  const uploaded = new Map<string, GPUBuffer>();
  const owned: GPUBuffer[] = [];
  const own = (what: string, bytes: number, purpose: "storage" | "uniform" = "storage") => {
    const buffer = memory.allocate(what, bytes, purpose);
    owned.push(buffer);
    return buffer;
  };
  let pooled: GPUBuffer[] = [];
  try {
    const begin = (k: number) => {
      const weight = names[k];
      if (!weight) return undefined;
      asked.push(weight);
      const buffer = requireWeight(device.device, memory, weights, lowered, weight);
      // Heard of when its turn comes, or given back after another one has failed.
      buffer.catch(() => undefined);
      return { weight, buffer };
    };
    // One is read, and quantized in a page's worker, while the one before it is on its way to the device.
    let next = begin(0);
    for (let k = 1; next; k++) {
      const { weight, buffer } = next;
      next = begin(k);
      uploaded.set(`${weight.kind} ${weight.name}`, await buffer);
    }
    const { made, checked } = memory.together(`program '${lowered.entry.name}'`, assemble);
    await checked;
    workshop.executables.add(made);
    return made;
  } catch (error) {
    owned.forEach(memory.free);
    scratch.release(pooled);
    releaseWeights(weights, memory, asked);
    throw error;
  }

  function assemble(): GpuExecutable {
    const types = inputTypes(lowered);
    const constants = constantData(program);
    const pack = (what: string, data: readonly ArrayBufferView[], purpose?: "uniform") =>
      packData(data, device.device, (bytes) => own(what, bytes, purpose));
    const packed = pack("constants", [...constants.values()]);
    const extra = pack(
      "constants",
      recording.constants.map(({ data }) => data),
    );
    const sizes = pack(
      "sizes",
      recording.launches.map((launch) => Uint32Array.from(launch.sizes)),
      "uniform",
    );
    const inputs = new Map(
      [...types].map(
        ([name, type]) => [name, { type, buffer: own(`input ${name}`, bytesOf(type)) }] as const,
      ),
    );
    pooled = scratch.take(scratchSizes);
    let slot = 0;
    const buffers = program.buffers.map(({ kind, name }) => {
      switch (kind) {
        case "param":
        case "prepared":
          return uploaded.get(`${kind} ${name}`)!;
        case "input":
          return inputs.get(name)!.buffer;
        case "constant":
          return packed.buffer;
        case "slot":
          return pooled[slot++]!;
        default:
          return undefined;
      }
    });
    const executable: GpuExecutable = {
      entry: lowered.entry.name,
      launches: recording.launches.length,
      program,
      weights,
      workshop,
      states,
      recording,
      buffers,
      constantAt: new Map([...constants.keys()].map((k, n) => [k, packed.offsets[n]!])),
      handover: pooled.slice(slots.length),
      extra,
      sizes,
      inputs,
      written: new Map(),
      bound: new WeakMap(),
      disposed: false,
      get lost() {
        return memory.lost;
      },
      dispose() {
        if (executable.disposed) return;
        executable.disposed = true;
        owned.forEach(memory.free);
        scratch.release(pooled);
        workshop.executables.delete(executable);
      },
    };
    return executable;
  }
}

/** The states that the program works on; it may be run on others beside them. */
const usedStates = (program: Program, { states }: Lowered): StateDecl[] =>
  states.filter(({ name }) =>
    program.buffers.some((buffer) => buffer.kind === "state" && buffer.name === name),
  );

const inputTypes = ({ entry }: Lowered): Map<string, TensorType> =>
  new Map(entry.inputs.map(({ name, type }) => [name, type]));
