/** A text that waits for a slot. */
export interface Waiting {
  readonly id: number;
  /** Whose text it is; slots are shared fairly between tenants. */
  readonly tenant: string;
}

/** What a slot is doing. A text that was admitted earlier has a smaller `order`. */
export type SlotWork =
  | { readonly kind: "free" }
  | { readonly kind: "prefill"; readonly order: number }
  | { readonly kind: "decode" };

/** All that the next action depends on. */
export interface Schedule {
  readonly slots: readonly SlotWork[];
  /** In the order in which they came. */
  readonly queue: readonly Waiting[];
  /** Tokens computed for each tenant; see `fair.ts`. */
  readonly served: ReadonlyMap<string, number>;
  /** Chunks of prompts since the last step that decoded. */
  readonly chunks: number;
}

export type Action =
  /** Takes this text out of the queue into a free slot. */
  | { readonly kind: "admit"; readonly id: number }
  /** Decodes one chunk of the prompt in this slot. */
  | { readonly kind: "prefill"; readonly slot: number }
  /** Gives every slot that decodes its next token. */
  | { readonly kind: "decode" }
  | { readonly kind: "wait" };

/**
 * Chunks of prompts between two steps of decoding, where both have work. Two cost a running text little and prompts
 * nothing that can be measured (tenstorrent/vllm-tt-plugin#119 compares 1, 2 and 4).
 */
export const CHUNKS_A_STEP = 2;

/**
 * What a running batch does next. A text that decodes gets its next token after at most `CHUNKS_A_STEP` chunks of
 * other texts' prompts, and prompts are decoded first come, first served.
 */
export function nextAction({ slots, queue, served, chunks }: Schedule): Action {
  if (queue.length > 0 && slots.some(({ kind }) => kind === "free"))
    return { kind: "admit", id: fairest(queue, served).id };
  const decoding = slots.some(({ kind }) => kind === "decode");
  const slot = oldestPrompt(slots);
  if (slot !== undefined && (!decoding || chunks < CHUNKS_A_STEP)) return { kind: "prefill", slot };
  return decoding ? { kind: "decode" } : { kind: "wait" };
}

/** The first text of the tenant for whom the least was computed. */
function fairest(queue: readonly Waiting[], served: ReadonlyMap<string, number>): Waiting {
  const tokens = ({ tenant }: Waiting) => served.get(tenant) ?? 0;
  return queue.reduce((best, one) => (tokens(one) < tokens(best) ? one : best));
}

function oldestPrompt(slots: readonly SlotWork[]): number | undefined {
  let oldest: { readonly slot: number; readonly order: number } | undefined;
  for (const [slot, work] of slots.entries())
    if (work.kind === "prefill" && work.order < (oldest?.order ?? Infinity))
      oldest = { slot, order: work.order };
  return oldest?.slot;
}
