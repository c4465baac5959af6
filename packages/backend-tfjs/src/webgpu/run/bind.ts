import { FusewireError, formatType, sameType } from "@fusewire/ir";
import type { Ref } from "@fusewire/passes";
import { storedBytes } from "../wgsl/storage.ts";
import type { BoundLaunch, GpuExecutable, Workshop } from "./executable.ts";
import type { Place } from "./record.ts";
import { type GpuStates, stateBuffer } from "./states.ts";

/** The buffer of a place in the program, and where in it. */
export function locate(
  executable: GpuExecutable,
  states: GpuStates,
  { buffer: index, offset }: Pick<Ref, "buffer" | "offset">,
): { buffer: GPUBuffer; offset: number } {
  const { program, buffers, constantAt } = executable;
  const buffer = buffers[index] ?? stateBuffer(states, program.buffers[index]!.name);
  return { buffer, offset: offset + (constantAt.get(index) ?? 0) };
}

/** The launches on these states; made when the two first meet. */
export function boundTo(
  workshop: Workshop,
  executable: GpuExecutable,
  states: GpuStates,
): readonly BoundLaunch[] {
  const known = executable.bound.get(states);
  if (known) return known;
  const bound = bindLaunches(workshop, executable, states);
  executable.bound.set(states, bound);
  return bound;
}

function bindLaunches(
  { device, counts }: Workshop,
  executable: GpuExecutable,
  states: GpuStates,
): BoundLaunch[] {
  checkStates(executable, states);
  const { recording, sizes } = executable;
  return recording.launches.map(({ pipeline, places, groups, sizes: own }, k) => {
    const resources = places.map((place) => resourceOf(executable, states, place));
    if (own.length > 0)
      resources.push({ buffer: sizes.buffer, offset: sizes.offsets[k]!, size: whole(own.length * 4) });
    counts.bindGroups += 1;
    const group = device.device.createBindGroup({
      layout: pipeline.layout,
      entries: resources.map((resource, binding) => ({ binding, resource })),
    });
    return { pipeline: pipeline.pipeline, group, groups };
  });
}

/** Bindings are whole vectors of four words, which all buffers have room for. */
const whole = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16);

function resourceOf(executable: GpuExecutable, states: GpuStates, place: Place): GPUBufferBinding {
  const { extra, handover } = executable;
  switch (place.kind) {
    case "program":
      return { ...locate(executable, states, place.ref), size: whole(storedBytes(place.ref.type)) };
    case "constant":
      return { buffer: extra.buffer, offset: extra.offsets[place.index]!, size: whole(place.bytes) };
    case "scratch":
      return { buffer: handover[place.index]!, offset: 0, size: whole(place.bytes) };
  }
}

/** Throws unless the states are those that the program was compiled for. */
function checkStates({ states: expected, entry }: GpuExecutable, { decls }: GpuStates): void {
  for (const { name, type } of expected) {
    const found = decls.find((decl) => decl.name === name)?.type;
    if (!found || !sameType(found, type))
      throw new FusewireError(
        `program '${entry}' was compiled for state '${name}' of ${formatType(type)}, and was given ${found ? formatType(found) : "none"}`,
      );
  }
}
