import { type EntryKey, loadCausalLM, standardSelection, traceEntry } from "@fusewire/generate";
import { type Module, NodeTable } from "@fusewire/ir";
import { openModelDirectory } from "@fusewire/models/node";
import { createReferenceEngine } from "@fusewire/passes";
import { goldenPath } from "./goldens.ts";

const SIZES = { batch: 1, rows: 1, capacity: 64 };

/** One row of a batch of one, greedy. */
export const GREEDY_DECODE: EntryKey = {
  kind: "decode",
  ...SIZES,
  selection: standardSelection(false),
  eosCount: 8,
};

/** The programs that tell all parts of a model and of a step apart: chunks, samples, drafts, beams, caches of bytes. */
export const PROGRAMS: readonly EntryKey[] = [
  GREEDY_DECODE,
  { kind: "begin", ...SIZES },
  { kind: "reorder", ...SIZES, rows: 4, batch: 4 },
  { kind: "prefill", ...SIZES, length: 16 },
  {
    ...SIZES,
    kind: "decode",
    batch: 3,
    rows: 3,
    cacheDType: "i8",
    selection: standardSelection(true, 3),
    eosCount: 8,
  },
  {
    kind: "verify",
    ...SIZES,
    length: 4,
    drafts: "certain",
    selection: standardSelection(false),
    eosCount: 8,
  },
  {
    kind: "beam",
    ...SIZES,
    batch: 2,
    rows: 2,
    cacheDType: "f16",
    selection: standardSelection(false),
    beams: 2,
    candidates: 4,
    keep: 1,
    eosCount: 8,
  },
];

/** Programs of a golden model as they are traced, in one table. */
export async function traceGolden(name: string, keys: readonly EntryKey[]): Promise<Module[]> {
  const model = await loadCausalLM(await openModelDirectory(goldenPath("models", name)), {
    engine: createReferenceEngine(),
  });
  const table = new NodeTable();
  try {
    return keys.map((key) => traceEntry(key, model.runtime.source, table));
  } finally {
    await model.dispose();
  }
}
