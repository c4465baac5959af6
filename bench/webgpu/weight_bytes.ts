import { bytesOf, type Node, rootsOf, topological } from "@fusewire/ir";
import type { Engine, Lowered } from "@fusewire/passes";

/** Bytes of weights, as they are kept, that a run of the entry reads whole; of a table it reads a row. */
function weightBytes({ entry }: Lowered): number {
  const read = new Map<Node, number>();
  for (const node of topological(rootsOf(entry)))
    for (const [k, input] of node.inputs.entries()) {
      if ((input.op !== "param" && input.op !== "prepared") || (node.op === "gather" && k === 0)) continue;
      // Integers of 4 bits lie two in a byte.
      const halved = node.op === "quantized_matmul" && k === 2 && node.attrs.layout.bits === 4;
      read.set(input, bytesOf(input.type) / (halved ? 2 : 1));
    }
  return [...read.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** The engine, and the bytes of weights that a decoding step compiled last reads. */
export function watchWeights<T extends Engine>(engine: T): { engine: Engine; weightBytes(): number } {
  let found = 0;
  return {
    engine: {
      ...engine,
      compile(lowered, weights) {
        if (lowered.entry.name.startsWith("decode")) found = weightBytes(lowered);
        return engine.compile(lowered, weights);
      },
    },
    weightBytes: () => found,
  };
}
