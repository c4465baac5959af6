/** A program as launches on buffers that are known, but for those of states. */
import { defOf, type OpName, rootsOf, topological, type Value } from "@fusewire/ir";
import type { Lowered, Program, Ref } from "@fusewire/passes";
import type { Pipeline, Pipelines } from "../device/pipelines.ts";
import type { Launch } from "../wgsl/launch.ts";
import type { StoredType } from "../wgsl/storage.ts";
import type { JoinedSteps } from "./joined_steps.ts";
import { packedWeights } from "./nibbles.ts";
import { halvedWeights } from "./parts.ts";
import type { WeightName } from "./weights.ts";

/** Where a binding finds its memory: a buffer of the program, a constant made while recording, or step scratch. */
export type Place =
  | { readonly kind: "program"; readonly ref: Ref }
  | { readonly kind: "constant"; readonly index: number; readonly bytes: number }
  | { readonly kind: "scratch"; readonly index: number; readonly bytes: number };

export interface Recorded {
  readonly pipeline: Pipeline;
  readonly places: readonly Place[];
  readonly sizes: readonly number[];
  readonly groups: Launch["groups"];
  readonly layer: string | undefined;
}

export interface Recording {
  readonly launches: readonly Recorded[];
  /** Values that the host computed for steps without inputs. */
  readonly constants: readonly Value[];
}

/** Bytes of each scratch memory that steps hand things over in. */
export function handoverBytes(joined: readonly JoinedSteps[]): number[] {
  const scratch: number[] = [];
  for (const { plan } of joined)
    for (const [k, bytes] of (plan.scratch ?? []).entries()) scratch[k] = Math.max(scratch[k] ?? 0, bytes);
  return scratch;
}

/** Waits for the pipelines of all steps, which the device builds side by side. */
export async function record(
  program: Program,
  joined: readonly JoinedSteps[],
  pipelines: Pipelines,
): Promise<Recording> {
  const constants: Value[] = [];
  const started: Promise<Recorded>[] = [];
  const constantOf = new Map<Ref, number>();
  for (const { kernel, reads, write, attrs } of program.steps)
    if (reads.length === 0)
      constantOf.set(write, constants.push(evaluateAlone(kernel as OpName, attrs, write)) - 1);
  for (const { reads, write, layer, plan } of joined) {
    const constant = constantOf.get(write);
    const placeOf = (memory: Launch["bindings"][number]["memory"]): Place => {
      switch (memory.kind) {
        case "read":
          return constant !== undefined
            ? { kind: "constant", index: constant, bytes: constants[constant]!.data.byteLength }
            : { kind: "program", ref: reads[memory.index]! };
        case "write":
          return { kind: "program", ref: write };
        case "scratch":
          return { kind: "scratch", index: memory.index, bytes: plan.scratch![memory.index]! };
      }
    };
    for (const launch of plan.launches)
      started.push(
        pipelines.get(launch).then((pipeline) => ({
          pipeline,
          places: launch.bindings.map(({ memory }) => placeOf(memory)),
          sizes: launch.sizes,
          groups: launch.groups,
          layer,
        })),
      );
  }
  return { launches: await Promise.all(started), constants };
}

/** Ops without inputs give the same in every run. */
function evaluateAlone(op: OpName, attrs: object, { type }: Ref): Value {
  return defOf({ op }).evaluate!([], attrs, type);
}

/** The weights that an entry reads. */
export function weightsOf({ entry }: Lowered, program: Program): WeightName[] {
  const packed = packedWeights(program);
  const halves = halvedWeights(program);
  return topological(rootsOf(entry)).flatMap((node): WeightName[] => {
    const kind = node.op;
    if (kind !== "param" && kind !== "prepared") return [];
    const { name } = node.attrs;
    const type: StoredType = {
      ...node.type,
      ...(kind === "prepared" && packed.has(name) && { packed: "nibbles" as const }),
      ...(halves.has(name) && { halves: halves.get(name)! }),
    };
    return [{ kind, name, type }];
  });
}
