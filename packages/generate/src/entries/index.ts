import { type Module, type Node, type NodeTable, type StateDecl, type Tracer, trace } from "@fusewire/ir";
import type { Selection } from "../selection.ts";
import { append } from "./append.ts";
import { type BeamStep, beam } from "./beam.ts";
import { begin } from "./begin.ts";
import type { CacheSize, EntryContext, EntrySource } from "./context.ts";
import type { Ending } from "./current.ts";
import { type Decoding, decode } from "./decode.ts";
import { draft } from "./draft.ts";
import { hidden, logits, prefill } from "./prefill.ts";
import { type Processing, process } from "./process.ts";
import { reorder } from "./reorder.ts";
import { statesOf } from "./states.ts";
import { type Verification, verify } from "./verify.ts";

export type { DraftKind } from "./verify.ts";

/** Which program: what it does, and the sizes it is compiled for. */
export type EntryKey = CacheSize & { readonly batch: number } & (
    | { readonly kind: "begin" | "reorder" }
    | { readonly kind: "prefill" | "logits" | "hidden"; readonly length: number }
    | { readonly kind: "append"; readonly length: number; readonly decoded: number }
    | ({ readonly kind: "decode" } & Decoding)
    | ({ readonly kind: "draft"; readonly selection: Selection } & Ending)
    | ({ readonly kind: "process" } & Processing)
    | ({ readonly kind: "beam" } & BeamStep)
    | ({ readonly kind: "verify" } & Verification)
  );

/** The key as text; equal keys have equal names. Such as `decode greedy batch=1 capacity=512`. */
export function entryName(key: EntryKey): string {
  return [key.kind, ...Object.entries(entryFacts(key)).map(([name, value]) => `${name}=${value}`)].join(" ");
}

/** What tells one program of a kind from another. */
export function entryFacts(key: EntryKey): Readonly<Record<string, string | number>> {
  const sizes = {
    batch: key.batch,
    rows: key.rows,
    capacity: key.capacity,
    ...(key.cacheDType && { cache: key.cacheDType }),
  };
  switch (key.kind) {
    case "begin":
    case "reorder":
      return sizes;
    case "prefill":
    case "logits":
    case "hidden":
      return { length: key.length, ...sizes };
    case "append":
      return { length: key.length, ...(key.decoded > 0 && { decoded: key.decoded }), ...sizes };
    case "decode":
      return { ...choiceFacts(key), ...variantFacts(key), ...sizes };
    case "draft":
      return { ...choiceFacts(key), ...sizes };
    case "process":
      return {
        selection: key.selection.name,
        ...(key.given && { given: 1 }),
        ...(key.normalised && { normalised: 1 }),
        ...sizes,
      };
    case "beam": {
      const { beams, candidates, keep } = key;
      return { beams, candidates, keep, ...choiceFacts(key), ...variantFacts(key), ...sizes };
    }
    case "verify":
      return { length: key.length, drafts: key.drafts, ...choiceFacts(key), ...sizes };
  }
}

/** What is chosen, and how it ends rows. */
const choiceFacts = ({ selection, eosCount, stops }: Pick<Decoding, "selection" | "eosCount" | "stops">) => ({
  selection: selection.name,
  eos: eosCount,
  ...(stops && { stops: [stops.window, stops.classes, stops.ends, stops.places].join("x") }),
});

const variantFacts = ({ returns = [], given, guided }: Pick<Decoding, "returns" | "given" | "guided">) => ({
  ...(returns.length > 0 && { returns: returns.join("+") }),
  ...(given && { given: 1 }),
  ...(guided && { guided: 1 }),
});

/** Traces the program into a module of one entry, in the table that all programs of the model share. */
export function traceEntry(key: EntryKey, source: EntrySource, table: NodeTable): Module {
  return trace({ [entryName(key)]: (tracer) => traceKind(tracer, key, source) }, table);
}

/** The states that all programs of one cache share. */
export const statesOfCache = (cache: CacheSize, source: EntrySource): readonly StateDecl[] =>
  statesOf(contextOf(cache, source, 1));

const contextOf = (
  { rows, capacity, cacheDType }: CacheSize,
  source: EntrySource,
  batch: number,
): EntryContext => ({
  ...source,
  cache: { dtype: cacheDType ?? source.cacheDType, rows, capacity, longestStep: source.longestStep },
  batch,
});

function traceKind(tracer: Tracer, key: EntryKey, source: EntrySource): Record<string, Node> {
  const context = contextOf(key, source, key.batch);
  switch (key.kind) {
    case "begin":
      return begin(tracer, context);
    case "reorder":
      return reorder(tracer, context);
    case "prefill":
      return prefill(tracer, context, key.length);
    case "append":
      return append(tracer, context, key);
    case "logits":
      return logits(tracer, context, key.length);
    case "hidden":
      return hidden(tracer, context, key.length);
    case "decode":
      return decode(tracer, context, key);
    case "draft":
      return draft(tracer, context, key);
    case "process":
      return process(tracer, context, key);
    case "beam":
      return beam(tracer, context, key);
    case "verify":
      return verify(tracer, context, key);
  }
}
