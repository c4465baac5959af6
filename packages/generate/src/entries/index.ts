import { type Module, type Node, type NodeTable, type Tracer, trace } from "@fusewire/ir";
import type { Selection } from "../selection.ts";
import { append } from "./append.ts";
import { begin } from "./begin.ts";
import type { EntryContext, EntrySource } from "./context.ts";
import { decode } from "./decode.ts";
import { draft } from "./draft.ts";
import { logits, prefill } from "./prefill.ts";
import { type DraftKind, verify } from "./verify.ts";

export type { DraftKind } from "./verify.ts";

/** Which program: what it does, and the sizes it is compiled for. */
export type EntryKey = { readonly batch: number; readonly rows: number; readonly capacity: number } & (
  | { readonly kind: "begin" }
  | { readonly kind: "prefill" | "logits"; readonly length: number }
  | { readonly kind: "append"; readonly length: number; readonly decoded: number }
  | {
      readonly kind: "decode";
      readonly selection: Selection;
      readonly eosCount: number;
    }
  | {
      readonly kind: "draft";
      readonly selection: Selection;
      readonly eosCount: number;
    }
  | {
      readonly kind: "verify";
      readonly length: number;
      readonly selection: Selection;
      readonly eosCount: number;
      readonly drafts: DraftKind;
    }
);

/** The key as text; equal keys have equal names. Such as `decode greedy batch=1 capacity=512`. */
export function entryName(key: EntryKey): string {
  return [key.kind, ...Object.entries(entryFacts(key)).map(([name, value]) => `${name}=${value}`)].join(" ");
}

/** What tells one program of a kind from another. */
export function entryFacts(key: EntryKey): Readonly<Record<string, string | number>> {
  const sizes = { batch: key.batch, rows: key.rows, capacity: key.capacity };
  switch (key.kind) {
    case "begin":
      return sizes;
    case "prefill":
    case "logits":
      return { length: key.length, ...sizes };
    case "append":
      return { length: key.length, ...(key.decoded > 0 && { decoded: key.decoded }), ...sizes };
    case "decode":
    case "draft":
      return { selection: key.selection.name, eos: key.eosCount, ...sizes };
    case "verify":
      return {
        length: key.length,
        drafts: key.drafts,
        selection: key.selection.name,
        eos: key.eosCount,
        ...sizes,
      };
  }
}

/** Traces the program into a module of one entry, in the table that all programs of the model share. */
export function traceEntry(key: EntryKey, source: EntrySource, table: NodeTable): Module {
  return trace({ [entryName(key)]: (tracer) => traceKind(tracer, key, source) }, table);
}

function traceKind(tracer: Tracer, key: EntryKey, source: EntrySource): Record<string, Node> {
  const context: EntryContext = {
    ...source,
    cache: {
      dtype: source.cacheDType,
      rows: key.rows,
      capacity: key.capacity,
      longestStep: source.longestStep,
    },
    batch: key.batch,
  };
  switch (key.kind) {
    case "begin":
      return begin(tracer, context);
    case "prefill":
      return prefill(tracer, context, key.length);
    case "append":
      return append(tracer, context, key);
    case "logits":
      return logits(tracer, context, key.length);
    case "decode":
      return decode(tracer, context, key.selection, key.eosCount);
    case "draft":
      return draft(tracer, context, key);
    case "verify":
      return verify(tracer, context, key);
  }
}
