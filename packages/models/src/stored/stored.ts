import { type DType, FusewireError, type Node, type Shape, sameShape, type Tracer } from "@fusewire/ir";
import type { Checkpoint } from "../checkpoint/index.ts";
import type { Find, Form, Keeping, LoadStage, StoredWeight } from "./form.ts";
import { joined } from "./joined.ts";
import { candidates } from "./names.ts";
import { plain } from "./plain.ts";
import { reordered } from "./reordered.ts";
import { transposed } from "./transposed.ts";

/** How checkpoints keep weights. Each form may build on what those after it find. */
const FORMS: readonly Form[] = [reordered, joined, transposed, plain];

/** What a tracer gets for the name of a weight. */
export interface WeightNodes {
  /** f32[…shape]; the weight's name is the graph's. */
  readonly node: (tracer: Tracer, weight: string, shape: Shape) => Node;
}

/** The weights of a checkpoint under the names that the graph gives them. */
export interface StoredWeights extends WeightNodes {
  /** Undefined where no form finds it. A dtype that cannot be read is an error. */
  readonly find: Find;
  /** All names under which a weight was looked for. */
  readonly lookedFor: (weight: string) => readonly string[];
}

/** The load stage between a checkpoint and the graph; with `dtype` floats are read in that. */
export function storedWeights(
  checkpoint: Checkpoint,
  keeping: Keeping,
  { dtype }: { readonly dtype?: DType | undefined } = {},
): StoredWeights {
  const present = new Set(checkpoint.names());
  const stage: LoadStage = {
    checkpoint,
    keeping,
    dtype,
    locate: (name) => candidates(name, keeping).find((one) => present.has(one)),
  };
  const search = FORMS.reduceRight<Find>(
    (rest, form) => (weight) => form.find(weight, rest, stage),
    () => undefined,
  );
  const known = new Map<string, StoredWeight | undefined>();
  const find: Find = (weight) => {
    if (!known.has(weight)) known.set(weight, search(weight));
    return known.get(weight);
  };
  const lookedFor = (weight: string) => [
    ...new Set(
      [weight, ...FORMS.flatMap((form) => form.lookedFor?.(weight, { keeping }) ?? [])].flatMap((name) =>
        candidates(name, keeping),
      ),
    ),
  ];
  return {
    find,
    lookedFor,
    node(tracer, weight, shape) {
      const found = find(weight);
      if (!found)
        throw new FusewireError(
          `the checkpoint in ${checkpoint.location} has no weight '${weight}' [${shape.join(",")}] (looked for ${lookedFor(weight).join(", ")}); check that its weights belong to its config.json`,
        );
      if (!sameShape(found.shape, shape))
        throw new FusewireError(
          `weight '${weight}' of ${checkpoint.location} is [${found.shape.join(",")}] (${found.form}), but config.json makes it [${shape.join(",")}]; one of the two files is not of this model`,
        );
      return found.node(tracer);
    },
  };
}
