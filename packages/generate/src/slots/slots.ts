import { FusewireError, floats, numbersOf, type Value } from "@fusewire/ir";
import { batchBucket, capacityBucket, cutChunks } from "@fusewire/passes";
import { canCut } from "../cache/rollback.ts";
import type { CacheSize } from "../entries/context.ts";
import type { EntryKey } from "../entries/index.ts";
import { beginRows, chunkInputs } from "../fill_cache.ts";
import type { CausalLM } from "../load.ts";
import type { GenerationOptions } from "../options/index.ts";
import { vector } from "../plan.ts";
import { selectionByRow, standardSelection } from "../selection.ts";
import { eosRoom, type RowChoice, rowChoice, stackChoices } from "./row_choice.ts";

/** A row of a running batch that is to get its next token. */
export interface SlotRow {
  readonly slot: number;
  readonly choice: RowChoice;
}

/** What a step gave one row. */
export interface SlotStep {
  readonly token: number;
  /** Whether the row ended, by an end token or its length. */
  readonly done: boolean;
  /** f32[V], as the model gave them, where the row's choice wants them. */
  readonly logits?: Float32Array;
}

/**
 * Rows of one cache that texts take and leave while others go on: what continuous batching runs on. Every program is
 * compiled by `warmup`, for any set of slots, so that nothing is compiled while texts run.
 */
export interface Slots {
  readonly count: number;
  /** Tokens a slot has room for. */
  readonly capacity: number;
  /** How a row goes on behind a prompt of so many tokens: options of generate(), as far as a row can have them. */
  choice(options: GenerationOptions, promptLength: number): RowChoice;
  /** How many of these tokens a slot holds already, which `begin` would not compute again. */
  held(slot: number, tokens: readonly number[]): number;
  /** Puts a text into a slot, and says how many of its tokens had their keys and values there. */
  begin(slot: number, tokens: readonly number[]): Promise<number>;
  /** Decodes the next chunk of a slot's prompt; the tokens that are left to decode before its first step. */
  prefill(slot: number): Promise<number>;
  /** Gives each row its next token, in one step of the model. */
  decode(rows: readonly SlotRow[]): Promise<readonly SlotStep[]>;
  /** Compiles every program that the others run. */
  warmup(): Promise<void>;
  /** Forgets what a slot holds, so that no later text takes it up. */
  clear(slot: number): void;
  dispose(): void;
}

/** How many rows, and how long. */
export interface SlotsOptions {
  readonly slots: number;
  /** Tokens a text may have at most, prompt and new ones together; rounded up to a capacity of the cache. */
  readonly max_length: number;
}

/** What a slot holds. */
interface SlotText {
  /** The text so far, the last token included, which has no keys and values yet. */
  readonly ids: number[];
  /** How many tokens have keys and values. */
  cached: number;
  /** Positions from here on were never written. */
  written: number;
}

const EMPTY: SlotText = { ids: [], cached: 0, written: 0 };

export function openSlots(
  { runtime, generation_config }: Pick<CausalLM, "runtime" | "generation_config">,
  { slots, max_length }: SlotsOptions,
): Slots {
  const { engine, buckets, source } = runtime;
  if (!Number.isSafeInteger(slots) || slots < 1)
    throw new FusewireError(`slots must be an integer of 1 or more, not ${slots}`);
  const size: CacheSize = {
    // One more, where the rows that only fill a batch stand.
    rows: slots + 1,
    capacity: capacityBucket(max_length, source.model.maxPositions, buckets),
  };
  const states = engine.createStates(runtime.statesOf(size));
  const bound = { runtime, size, states };
  const texts: SlotText[] = new Array<SlotText>(slots).fill(EMPTY);
  const run = (key: EntryKey, inputs: Readonly<Record<string, Value>>) => runtime.run(key, states, inputs);
  let filler: Promise<unknown> | undefined;

  const decodeKey = (batch: number, plain: boolean, scores: boolean): EntryKey => ({
    kind: "decode",
    batch,
    ...size,
    selection: plain ? standardSelection(false) : selectionByRow(batch),
    eosCount: eosRoom,
    ...(scores && { returns: ["logits"] }),
  });

  const beginSlot = (slot: number, tokens: readonly number[], ended = false) =>
    beginRows({ rows: [tokens], batch: 1, cache: size, to: vector(1, () => slot), ended }, run);

  function held(slot: number, tokens: readonly number[]): number {
    const text = texts[slot]!;
    const most = Math.min(text.cached, tokens.length - 1);
    const differs = tokens.findIndex((id, i) => i >= most || id !== text.ids[i]);
    return canCut(text, differs, bound) ? differs : 0;
  }

  /** Notes that a text has keys and values of its first `count` tokens. */
  const hold = (text: SlotText, count: number) => {
    text.cached = count;
    text.written = Math.max(text.written, count);
  };

  return {
    count: slots,
    capacity: size.capacity,
    held,
    choice: (options, promptLength) =>
      rowChoice(options, promptLength, {
        vocabSize: source.model.vocabSize,
        capacity: size.capacity,
        defaults: generation_config,
      }),
    async begin(slot, tokens) {
      const kept = held(slot, tokens);
      texts[slot] = { ids: [...tokens], cached: kept, written: kept === 0 ? 0 : texts[slot]!.written };
      await beginSlot(slot, tokens);
      return kept;
    },
    async prefill(slot) {
      const text = texts[slot]!;
      const { ids, cached } = text;
      const wanted = ids.length - 1;
      const [chunk] = cutChunks(wanted - cached, buckets);
      if (!chunk) return 0;
      const { size: length, count } = chunk;
      await run(
        { kind: "prefill", batch: 1, ...size, length },
        {
          ...chunkInputs({ batch: 1, cached: [cached], wanted: [wanted], start: 0, size: length }),
          rows: vector(1, () => slot),
        },
      );
      hold(text, cached + count);
      return wanted - text.cached;
    },
    async decode(asked) {
      filler ??= beginSlot(slots, [0], true);
      await filler;
      const batch = batchBucket(asked.length, buckets);
      const plain = asked.every(({ choice }) => choice.plain);
      const scores = asked.some(({ choice }) => choice.scores);
      const outputs = await run(decodeKey(batch, plain, scores), {
        ...stackChoices(
          asked.map(({ choice }) => choice),
          batch,
          plain,
        ),
        rows: vector(batch, (b) => asked[b]?.slot ?? slots),
      });
      const tokens = numbersOf(outputs.get("token")!);
      const done = numbersOf(outputs.get("done")!);
      const logits = outputs.get("logits");
      const words = source.model.vocabSize;
      return asked.map(({ slot, choice }, b) => {
        const text = texts[slot]!;
        hold(text, text.ids.length);
        text.ids.push(tokens[b]!);
        return {
          token: tokens[b]!,
          done: done[b] === 1,
          ...(logits && choice.scores && { logits: floats(logits).slice(b * words, (b + 1) * words) }),
        };
      });
    },
    async warmup() {
      const batches = new Set(Array.from({ length: slots }, (_, b) => batchBucket(b + 1, buckets)));
      const both = [true, false];
      const keys: EntryKey[] = [
        { kind: "begin", batch: 1, ...size },
        ...buckets.chunk.map((length): EntryKey => ({ kind: "prefill", batch: 1, ...size, length })),
        ...[...batches].flatMap((batch) =>
          both.flatMap((plain) => both.map((scores) => decodeKey(batch, plain, scores))),
        ),
      ];
      for (const key of keys) await runtime.compile(key);
    },
    clear(slot) {
      texts[slot] = EMPTY;
    },
    dispose: () => states.dispose(),
  };
}
