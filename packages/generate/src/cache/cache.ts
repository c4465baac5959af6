import { FusewireError, toValue } from "@fusewire/ir";
import type { Runtime } from "../runtime.ts";
import { bytesFor, checkFree, sizeFor, statesOf } from "./bind.ts";
import { type CacheHold, EMPTY_ROW, heldLength } from "./hold.ts";
import { canCut, shortestCut } from "./rollback.ts";

/**
 * Keys and values of a batch of texts, which a user owns and hands to `generate` or `forward` as `past_key_values`.
 * It takes memory at its first use, on the engine of the model it is used with, and belongs to that model.
 * Rows begin at slot 0 whatever pads stand before them; lengths count the pads, as in Hugging Face.
 */
export class Cache {
  /** What the functions of this package work on. */
  readonly hold: CacheHold;

  constructor(hold: CacheHold) {
    this.hold = hold;
  }

  /** Tokens of the longest row that have keys and values here, its pads counted. */
  get_seq_length(): number {
    return heldLength(this.hold);
  }

  /** Tokens that a row may hold; -1 where the cache grows. */
  get_max_cache_shape(): number {
    return this.hold.maxLength ?? -1;
  }

  get max_cache_len(): number {
    return this.get_max_cache_shape();
  }

  /** Bytes on the engine: those it takes, or before its first use those it will take for a model. */
  bytes(model?: { readonly runtime: Runtime }): number {
    const { bound, maxRows, name } = this.hold;
    if (bound) return bytesFor(bound.runtime, bound.size);
    if (!model)
      throw new FusewireError(`this ${name} has no memory yet; bytes(model) says what it will take`);
    return bytesFor(model.runtime, sizeFor(this.hold, model.runtime, maxRows ?? 1, 1));
  }

  /**
   * Cuts every row to what lies in the first `length` slots, or with a negative one takes so many from the end. A
   * sliding window's ring has forgotten what is far back: cutting so that it would be needed is an error.
   */
  crop(length: number): void {
    checkFree(this.hold);
    const { name, rows, bound } = this.hold;
    if (!Number.isSafeInteger(length))
      throw new FusewireError(`${name}.crop takes an integer, not ${length}`);
    const slots = length < 0 ? Math.max(0, heldLength(this.hold) + length) : length;
    const cut = rows.map((row, b) => {
      const cached = Math.min(row.cached, Math.max(0, slots - row.pads));
      if (cached === row.cached) return row;
      if (!canCut(row, cached, bound))
        throw new FusewireError(
          `${name}.crop: row ${b} cannot be cut to ${cached} tokens; its sliding window has forgotten keys that they need, and keeps those for ${shortestCut(row, bound)} and more; reset() starts anew`,
        );
      return { ...row, ids: row.ids.slice(0, cached), cached };
    });
    this.hold.rows = cut;
  }

  /** Forgets all texts; the memory stays. */
  reset(): void {
    checkFree(this.hold);
    this.hold.rows = [];
  }

  /** Row b becomes what row `beam_idx[b]` was: how beam search goes on from its best texts. */
  async reorder_cache(beam_idx: readonly number[]): Promise<void> {
    const { name, rows } = this.hold;
    if (beam_idx.length !== rows.length)
      throw new FusewireError(
        `${name}.reorder_cache takes one index for each of its ${rows.length} rows, not ${beam_idx.length}; batch_select_indices keeps fewer`,
      );
    await this.#take("reorder_cache", beam_idx);
  }

  /** Keeps these rows, in this order. */
  async batch_select_indices(indices: readonly number[]): Promise<void> {
    await this.#take("batch_select_indices", indices);
  }

  /** Each row becomes `repeats` rows, which stand together. */
  async batch_repeat_interleave(repeats: number): Promise<void> {
    if (!Number.isSafeInteger(repeats) || repeats < 1)
      throw new FusewireError(
        `${this.hold.name}.batch_repeat_interleave takes an integer of 1 or more, not ${repeats}`,
      );
    const rows = this.hold.rows.flatMap((_, b) => new Array<number>(repeats).fill(b));
    await this.#take("batch_repeat_interleave", rows);
  }

  /** Another cache with the same texts and settings. */
  async copy(): Promise<Cache> {
    const { hold } = this;
    checkFree(hold);
    const { bound, rows } = hold;
    // The rows of this moment: the engine copies what its earlier calls left.
    const states = bound && (await bound.runtime.engine.copyStates(bound.states, bound.states.decls));
    return new Cache({ ...hold, rows, bound: bound && states && { ...bound, states } });
  }

  /** Frees the memory; the cache cannot be used any more. */
  dispose(): void {
    if (this.hold.status === "disposed") return;
    checkFree(this.hold);
    this.hold.bound?.states.dispose();
    this.hold.bound = undefined;
    this.hold.rows = [];
    this.hold.status = "disposed";
  }

  async #take(method: string, indices: readonly number[]): Promise<void> {
    const { hold } = this;
    checkFree(hold);
    const wrong = indices.find((b) => hold.rows[b] === undefined);
    if (wrong !== undefined)
      throw new FusewireError(`${hold.name}.${method}: there is no row ${wrong} among ${hold.rows.length}`);
    const { bound } = hold;
    if (!bound) return;
    const { runtime } = bound;
    const size = sizeFor(hold, runtime, Math.max(1, indices.length), 1);
    hold.status = "busy";
    try {
      const states = await statesOf(hold, runtime, size);
      const from = Array.from({ length: size.rows }, (_, b) => indices[b] ?? b);
      await runtime.run({ kind: "reorder", batch: size.rows, ...size }, states, {
        from: toValue({ dtype: "i32", shape: [size.rows] }, from),
      });
      hold.rows = indices.map((b) => hold.rows[b] ?? EMPTY_ROW);
    } finally {
      hold.status = "free";
    }
  }
}

/** The cache of an option or argument; anything else is an error that says what to make. */
export function holdOf(value: unknown): CacheHold {
  if (value instanceof Cache) return value.hold;
  throw new FusewireError("past_key_values takes a cache: new StaticCache({…}) or new DynamicCache()");
}
