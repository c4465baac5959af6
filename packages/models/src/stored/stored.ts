import { FusewireError, sameShape, type TensorType, type Value } from "@fusewire/ir";
import type { Checkpoint } from "../checkpoint/index.ts";
import { type Form, HEAD, type TiedModel } from "./form.ts";
import { plain } from "./plain.ts";
import { prefixed } from "./prefixed.ts";
import { tied } from "./tied.ts";

/** How checkpoints keep weights; the first form that finds a weight counts. */
const FORMS: readonly Form[] = [plain, prefixed, tied];

/** A weight of the graph, and where the checkpoint keeps it. */
export interface StoredWeight {
  readonly form: string;
  /** The tensor's name in the checkpoint. */
  readonly tensor: string;
  readonly type: TensorType;
}

/** The weights of a checkpoint under the names that the graph gives them. */
export interface StoredWeights {
  /** Undefined where no form finds it. A dtype that cannot be read is an error. */
  find(weight: string): StoredWeight | undefined;
  /** All names under which a weight was looked for. */
  readonly lookedFor: (weight: string) => readonly string[];
  /** The value as it is stored. */
  read(weight: string): Promise<Value>;
}

export function storedWeights(checkpoint: Checkpoint, model: TiedModel): StoredWeights {
  const present = new Set(checkpoint.names());
  const find = (weight: string): StoredWeight | undefined => {
    for (const form of FORMS) {
      const tensor = form.candidates(weight, model).find((name) => present.has(name));
      if (tensor !== undefined) return { form: form.name, tensor, type: checkpoint.type(tensor)! };
    }
    return undefined;
  };
  return {
    find,
    lookedFor: (weight) => [...new Set(FORMS.flatMap((form) => form.candidates(weight, model)))],
    async read(weight) {
      const found = find(weight);
      if (found) return checkpoint.read(found.tensor);
      throw new FusewireError(
        `the checkpoint in ${checkpoint.location} has no weight '${weight}'; check that its weights belong to its config.json`,
      );
    },
  };
}

// So much is compared at a time: no page waits, and memory holds little.
const CHUNK = 4 * 2 ** 20;

/**
 * Whether a model whose config.json ties the head to the embedding was saved with another head all the same: then that
 * head counts, as in transformers. Reads both until they differ.
 */
export async function hasOwnHead(checkpoint: Checkpoint, model: TiedModel): Promise<boolean> {
  if (model.tied === undefined) return false;
  const weights = storedWeights(checkpoint, { tied: undefined });
  const [embedding, head] = [weights.find(model.tied), weights.find(HEAD)];
  if (!embedding || !head) return false;
  if (embedding.type.dtype !== head.type.dtype || !sameShape(embedding.type.shape, head.type.shape))
    return true;
  for (let offset = 0; ; offset += CHUNK) {
    const [a, b] = await Promise.all(
      [embedding, head].map(({ tensor }) => checkpoint.readBytes(tensor, offset, CHUNK)),
    );
    if (a!.length === 0) return false;
    if (a!.some((byte, i) => byte !== b![i])) return true;
  }
}
