import {
  type CausalLM,
  type GenerationOptions,
  openSlots,
  type RowChoice,
  type SlotStep,
  type Slots,
} from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { createCounters } from "../scheduler/fair.ts";
import { nextAction, type SlotWork } from "../scheduler/schedule.ts";
import { createChannel } from "./channel.ts";
import { chooseSlot } from "./choose_slot.ts";
import { createGauge, type Gauge } from "./gauge.ts";

/** A text to go on with. */
export interface BatchRequest {
  readonly tokens: readonly number[];
  /** Options of generate(), as far as a row of a running batch can have them. */
  readonly options: GenerationOptions;
  /**
   * Whose it is. Tenants share the slots fairly, and none takes up what another's text left in a slot, for the time that
   * it then takes would tell what the text was.
   */
  readonly tenant?: string;
  /** Ends it, wherever it is: waiting, in its prompt, or between two tokens. */
  readonly signal?: AbortSignal;
}

/** What a text has taken so far. */
export interface BatchCounts {
  /** Tokens of the prompt, and of those the ones whose keys and values were there. */
  readonly prompt_tokens: number;
  readonly cached_tokens: number;
  readonly new_tokens: number;
  /** Milliseconds until a slot was free, from then to the first token, and from then to the last. */
  readonly queue_ms: number;
  readonly prefill_ms: number;
  readonly decode_ms: number;
}

/** A token of a text. */
export interface BatchStep extends Omit<SlotStep, "done"> {
  readonly counts: BatchCounts;
  /** Set on the last one. */
  readonly finish?: BatchEnd["finish"];
}

/** What came of a text: it ended by an end token, or at the length that it was given. */
export interface BatchEnd extends BatchCounts {
  readonly finish: "stop" | "length";
}

/** The tokens of one text as they are made. Leaving early frees its slot before the next step. */
export type BatchedText = AsyncGenerator<BatchStep, BatchEnd>;

/** How much the batch has to do at this moment. */
export interface BatchLoad {
  readonly running: number;
  readonly waiting: number;
  readonly slots: number;
  /** Share of all slots' tokens that running texts hold, 0 to 1. */
  readonly cache_usage: number;
}

/** A running batch of one model, which texts join and leave between two steps. */
export interface Batcher {
  /** Takes a text, or throws an `Overloaded`: nothing waits behind a full queue. */
  submit(request: BatchRequest): BatchedText;
  load(): BatchLoad;
  /** Tokens that a text may have, prompt and new ones together. */
  readonly max_length: number;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
  /** Ends all texts with an error and frees the slots; the model stays. */
  dispose(): void;
}

export interface BatcherOptions {
  /** Texts that run at once; 8 unless given. */
  readonly slots?: number;
  /** Texts that may wait beside them; as many as slots unless given. */
  readonly queue?: number;
  /** Tokens of a text at most; what the model can hold, or 2,048, unless given. */
  readonly max_length?: number;
}

/** More texts than slots and queue hold. */
export class Overloaded extends FusewireError {
  /** Seconds until a place is likely to be free, by how long texts have taken. */
  readonly retry_after: number;

  constructor(texts: number, retry_after: number) {
    super(`the model is overloaded: ${texts} texts run or wait already; try again in ${retry_after} s`);
    this.retry_after = retry_after;
  }
}

/** A text that waits or runs. */
interface Job {
  readonly id: number;
  readonly tokens: readonly number[];
  readonly tenant: string;
  readonly choice: RowChoice;
  readonly channel: ReturnType<typeof createChannel<BatchStep, BatchEnd>>;
  readonly gauge: Gauge;
  slot: number | undefined;
  /** Tokens of the prompt that are not decoded yet; -1 until it is begun. */
  left: number;
  cached: number;
  made: number;
  /** Set once nobody reads it any more. */
  left_by_reader: boolean;
}

const TOKENS = 2048;

/** Opens a running batch; every program that it needs is compiled before this returns. */
export async function createBatcher(model: CausalLM, options: BatcherOptions = {}): Promise<Batcher> {
  const { slots: count = 8, queue: room = count } = options;
  const max_length = options.max_length ?? Math.min(TOKENS, model.runtime.source.model.maxPositions);
  const open = () => openSlots(model, { slots: count, max_length });
  let slots: Slots = open();
  await slots.warmup();

  const queue: Job[] = [];
  const live: (Job | undefined)[] = new Array<Job | undefined>(count).fill(undefined);
  /** Whose text each slot holds. */
  const owners: (string | undefined)[] = new Array<string | undefined>(count).fill(undefined);
  /** When each slot was last left, counted in departures. */
  const released: number[] = new Array<number>(count).fill(0);
  let departures = 0;
  const counters = createCounters();
  let next = 0;
  let chunks = 0;
  let running: Promise<void> | undefined;
  let disposed: FusewireError | undefined;
  /** Milliseconds that a text holds its slot, of the last ones. */
  let holding = 0;

  const jobs = () => live.filter((job) => job !== undefined);
  const workOf = (job: Job | undefined): SlotWork => {
    if (!job) return { kind: "free" };
    return job.left > 0 ? { kind: "prefill", order: job.id } : { kind: "decode" };
  };

  function leave(job: Job): void {
    if (job.slot === undefined) queue.splice(queue.indexOf(job), 1);
    else {
      live[job.slot] = undefined;
      released[job.slot] = ++departures;
    }
  }

  function finish(job: Job, done: BatchEnd): void {
    leave(job);
    const took = done.prefill_ms + done.decode_ms;
    holding = holding === 0 ? took : 0.8 * holding + 0.2 * took;
    job.channel.close(done);
  }

  /** Takes out the texts that nobody reads any more. */
  function sweep(): void {
    for (const job of [...queue, ...jobs()]) if (job.left_by_reader) leave(job);
  }

  async function admit(id: number): Promise<void> {
    const job = queue.find((one) => one.id === id)!;
    // The one that was left longest ago comes first.
    const free = [...live.keys()].filter((slot) => !live[slot]).sort((a, b) => released[a]! - released[b]!);
    const slot = chooseSlot(free, job, { owners, held: (one, tokens) => slots.held(one, tokens) });
    queue.splice(queue.indexOf(job), 1);
    if (owners[slot] !== job.tenant) slots.clear(slot);
    owners[slot] = job.tenant;
    live[slot] = job;
    job.slot = slot;
    job.gauge.mark("admitted");
    job.cached = await slots.begin(slot, job.tokens);
    job.left = job.tokens.length - 1 - job.cached;
  }

  async function prefill(slot: number): Promise<void> {
    const job = live[slot]!;
    const before = job.left;
    job.left = await slots.prefill(slot);
    counters.count(job.tenant, before - job.left);
    chunks += 1;
  }

  async function decode(): Promise<void> {
    chunks = 0;
    const rows = jobs().filter((job) => job.left === 0);
    const steps = await slots.decode(rows.map((job) => ({ slot: job.slot!, choice: job.choice })));
    for (const [k, step] of steps.entries()) {
      const job = rows[k]!;
      if (job.made === 0) job.gauge.mark("first");
      job.made += 1;
      counters.count(job.tenant, 1);
      const counts = countsOf(job);
      const { done, ...chosen } = step;
      const ended = job.choice.eos.includes(step.token) ? "stop" : "length";
      job.channel.push({ ...chosen, counts, ...(done && { finish: ended }) });
      if (done) finish(job, { ...counts, finish: ended });
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      sweep();
      const action = nextAction({ slots: live.map(workOf), queue, served: counters.served, chunks });
      try {
        switch (action.kind) {
          case "admit":
            await admit(action.id);
            break;
          case "prefill":
            await prefill(action.slot);
            break;
          case "decode":
            await decode();
            break;
          case "wait":
            return;
        }
      } catch (error) {
        await recover(error);
      }
    }
  }

  /** A step that failed may have left anything in the slots: their texts fail with it, and those that wait go on. */
  async function recover(error: unknown): Promise<void> {
    for (const job of jobs()) {
      leave(job);
      job.channel.fail(error);
    }
    owners.fill(undefined);
    if (disposed) return;
    try {
      slots.dispose();
      await model.restore();
      slots = open();
      await slots.warmup();
    } catch (worse) {
      for (const job of queue.splice(0)) job.channel.fail(worse);
    }
  }

  function wake(): void {
    running ??= run().finally(() => {
      running = undefined;
      if (queue.length > 0) wake();
    });
  }

  /** The reader's side of a job. */
  function read(job: Job, signal: AbortSignal | undefined): BatchedText {
    const leaveBehind = () => {
      job.left_by_reader = true;
      signal?.removeEventListener("abort", aborted);
    };
    const aborted = () => {
      leaveBehind();
      job.channel.fail(signal?.reason);
    };
    signal?.addEventListener("abort", aborted, { once: true });
    async function* steps(): BatchedText {
      try {
        for (;;) {
          const { done, value } = await job.channel.next();
          if (done) return value;
          yield value;
        }
      } finally {
        leaveBehind();
      }
    }
    const text = steps();
    const end = text.return.bind(text);
    return Object.assign(text, {
      /** Leaves a text as well that was never read from, or is awaited at this moment. */
      return(value: BatchEnd | PromiseLike<BatchEnd>) {
        leaveBehind();
        job.channel.fail(new FusewireError("the text was left before its end"));
        return end(value);
      },
    });
  }

  return {
    max_length: slots.capacity,
    submit({ tokens, options: given, tenant = "", signal }) {
      if (disposed) throw disposed;
      signal?.throwIfAborted();
      const choice = slots.choice(given, tokens.length);
      sweep();
      const free = live.filter((job) => !job).length;
      if (queue.length >= room + free) throw new Overloaded(queue.length + jobs().length, retryAfter());
      const active = [...queue, ...jobs()].map((job) => job.tenant);
      counters.arrive(tenant, active);
      const job: Job = {
        ...{ id: next++, tokens, tenant, choice, channel: createChannel<BatchStep, BatchEnd>() },
        ...{ gauge: createGauge(), slot: undefined, left: -1, cached: 0, made: 0, left_by_reader: false },
      };
      queue.push(job);
      wake();
      return read(job, signal);
    },
    load() {
      const held = jobs().reduce((sum, { tokens, made }) => sum + tokens.length + made, 0);
      return {
        running: jobs().length,
        waiting: queue.length,
        slots: count,
        cache_usage: held / (count * slots.capacity),
      };
    },
    async idle() {
      while (running) await running;
    },
    dispose() {
      disposed = new FusewireError("the batch was disposed; open another one");
      for (const job of [...queue, ...jobs()]) {
        leave(job);
        job.channel.fail(disposed);
      }
      slots.dispose();
    },
  };

  /** Seconds until those in front have gone, and one more: at least 1. */
  function retryAfter(): number {
    return Math.max(1, Math.ceil((holding * (queue.length + 1)) / count / 1000));
  }

  function countsOf(job: Job): BatchCounts {
    return {
      prompt_tokens: job.tokens.length,
      cached_tokens: job.cached,
      new_tokens: job.made,
      ...job.gauge.times(),
    };
  }
}
