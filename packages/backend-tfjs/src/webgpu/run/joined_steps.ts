import { type OpAttrs, sameLayout, sameType } from "@fusewire/ir";
import type { Program, Ref, RowClass, Step } from "@fusewire/passes";
import { appendBoth } from "../kernels/append_heads.ts";
import { planStep } from "../kernels/index.ts";
import type { Variant } from "../kernels/kernel.ts";
import { quantizeBoth } from "../kernels/quantize.ts";
import type { Plan } from "../wgsl/launch.ts";

/** One or more steps of a program that run in the same launches; `reads` are what those bind by index. */
export interface JoinedSteps {
  readonly reads: readonly Ref[];
  readonly write: Ref;
  /** The layer that made the first of them. */
  readonly layer: string | undefined;
  readonly plan: Plan;
}

/** Plans the steps of a program in order, those together that one launch can do. */
export function joinSteps({ steps, rows }: Program, variant: Variant): JoinedSteps[] {
  const joined: JoinedSteps[] = [];
  for (let k = 0; k < steps.length; k++) {
    const [step, next] = [steps[k]!, steps[k + 1]];
    const pair = next && (appendTogether(step, next, rows) ?? quantizeTogether(step, next, rows));
    joined.push(pair ?? alone(step, rows, variant));
    if (pair) k++;
  }
  return joined;
}

function alone({ kernel, reads, write, attrs, layer }: Step, rows: RowClass, variant: Variant): JoinedSteps {
  const types = reads.map(({ type }) => type);
  // What has no inputs is computed on the host, and copied where it belongs.
  const plan =
    reads.length === 0
      ? planStep("copy", { reads: [write.type], write: write.type, attrs: {}, rows }, variant)
      : planStep(kernel, { reads: types, write: write.type, attrs, rows }, variant);
  return { reads, write, layer, plan };
}

/** Keys and then values of one layer: both from one projection, to the same places of two caches. */
function appendTogether(first: Step, second: Step, rows: RowClass): JoinedSteps | undefined {
  if (first.kernel !== "append_heads" || second.kernel !== "append_heads") return undefined;
  const alike = [1, 2, 3, 4].every((k) => sameRef(first.reads[k]!, second.reads[k]!));
  const apart = first.write.buffer !== second.write.buffer && second.reads.length === 5;
  if (!alike || !apart) return undefined;
  const [a, b] = [first, second].map(({ reads, write, attrs }) => ({
    reads: reads.map(({ type }) => type),
    write: write.type,
    attrs: attrs as OpAttrs["append_heads"],
    rows,
  }));
  return {
    reads: [...first.reads, second.write],
    write: first.write,
    layer: first.layer,
    plan: { launches: [appendBoth(a!, b!)] },
  };
}

/** Scales of rows and then the rows' integers: a thread finds both. */
function quantizeTogether(first: Step, second: Step, rows: RowClass): JoinedSteps | undefined {
  if (first.kernel !== "group_scales" || second.kernel !== "quantize_rows") return undefined;
  const [scales, codes] = [first.attrs as OpAttrs["group_scales"], second.attrs as OpAttrs["quantize_rows"]];
  const alike = sameRef(first.reads[0]!, second.reads[0]!) && sameRef(first.write, second.reads[1]!);
  const whole = sameLayout(scales.layout, codes.layout) && !scales.search && codes.layout.group % 4 === 0;
  if (!alike || !whole) return undefined;
  const { reads, write, layer } = second;
  const step = { reads: reads.map(({ type }) => type), write: write.type, attrs: codes, rows };
  return { reads, write, layer, plan: { launches: [quantizeBoth(step)] } };
}

const sameRef = (a: Ref, b: Ref): boolean =>
  a.buffer === b.buffer && a.offset === b.offset && sameType(a.type, b.type);
