import type { CacheDType } from "@fusewire/models";
import type { States } from "@fusewire/passes";
import type { CacheSize } from "../entries/context.ts";
import type { Runtime } from "../runtime.ts";

/** What a cache holds of one row. */
export interface CacheRow {
  /** The row's tokens: those with keys and values, and behind them at most the one generated last. */
  readonly ids: readonly number[];
  /** How many of them have keys and values. */
  readonly cached: number;
  /** Pads before them in the batch as it was given. They take no slot here; Hugging Face counts them. */
  readonly pads: number;
  /** Positions from here on were never written, so that a ring still holds those close before it. */
  readonly written: number;
}

/** Memory on the engine of the model that a cache belongs to since its first use. */
export interface Bound {
  readonly runtime: Runtime;
  readonly size: CacheSize;
  readonly states: States;
}

/** All there is of a cache. Functions of this folder work on it; users see `Cache`. */
export interface CacheHold {
  /** The class under which it was made, for messages. */
  readonly name: string;
  /** Tokens a row and rows that it is made for; it grows where they are not given. */
  readonly maxLength: number | undefined;
  readonly maxRows: number | undefined;
  /** How keys and values are kept; as the model's `cache_dtype` says where not given. */
  readonly dtype: CacheDType | undefined;
  readonly device: string | undefined;
  bound: Bound | undefined;
  rows: readonly CacheRow[];
  status: "free" | "busy" | "disposed";
}

export const EMPTY_ROW: CacheRow = { ids: [], cached: 0, pads: 0, written: 0 };

/** Tokens of the longest row with keys and values, its pads counted: the slots that Hugging Face would have used. */
export const heldLength = ({ rows }: Pick<CacheHold, "rows">): number =>
  Math.max(0, ...rows.map(({ pads, cached }) => (cached === 0 ? 0 : pads + cached)));
