import { type CausalLM, openSlots, type Slots } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { createCounters } from "../scheduler/fair.ts";
import { nextAction } from "../scheduler/schedule.ts";
import { type BatchEnd, type Batcher, type BatcherOptions, Overloaded } from "./batch.ts";
import { countsOf, createJob, type Job, workOf } from "./job.ts";
import { readText } from "./reader.ts";
import { createSeats } from "./seats.ts";

const TOKENS = 2048;

/** Opens a running batch; every program that it needs is compiled before this resolves. */
export async function createBatcher(model: CausalLM, options: BatcherOptions = {}): Promise<Batcher> {
  const { slots: count = 8, queue: room = count } = options;
  const max_length = options.max_length ?? Math.min(TOKENS, model.runtime.source.model.maxPositions);
  const { programs } = model.runtime;
  const open = () => openSlots(model, { slots: count, max_length });
  let slots: Slots = open();
  await slots.warmup();

  const queue: Job[] = [];
  const seats = createSeats(count);
  const counters = createCounters();
  const holding = createAverage();
  let next = 0;
  let chunks = 0;
  let work: Promise<void> | undefined;
  let disposed: FusewireError | undefined;

  const all = () => [...queue, ...seats.running()];
  const leave = (job: Job) => {
    if (queue.includes(job)) queue.splice(queue.indexOf(job), 1);
    else seats.leave(job);
  };
  const fail = (jobs: readonly Job[], error: unknown) => {
    for (const job of jobs) {
      leave(job);
      job.channel.fail(error);
    }
  };

  /** Takes out the texts that nobody reads any more. */
  function sweep(): void {
    for (const job of all()) if (job.forsaken) leave(job);
  }

  async function admit(id: number): Promise<void> {
    const job = queue.find((one) => one.id === id)!;
    queue.splice(queue.indexOf(job), 1);
    const { slot, foreign } = seats.take(job, slots.held);
    if (foreign) slots.clear(slot);
    job.gauge.mark("admitted");
    job.cached = await slots.begin(slot, job.tokens);
    job.left = job.tokens.length - 1 - job.cached;
  }

  async function prefill(slot: number): Promise<void> {
    const job = seats.jobs[slot]!;
    const before = job.left;
    job.left = await slots.prefill(slot);
    counters.count(job.tenant, before - job.left);
    chunks += 1;
  }

  async function decode(): Promise<void> {
    chunks = 0;
    const rows = seats.running().filter((job) => job.left === 0);
    const steps = await slots.decode(rows.map((job) => ({ slot: job.slot!, choice: job.choice })));
    for (const [k, { done, ...step }] of steps.entries()) {
      const job = rows[k]!;
      if (job.made === 0) job.gauge.mark("first");
      job.made += 1;
      counters.count(job.tenant, 1);
      const finish = job.choice.eos.includes(step.token) ? "stop" : "length";
      const counts = countsOf(job);
      job.channel.push({ ...step, counts, ...(done && { finish }) });
      if (done) end(job, { ...counts, finish });
    }
  }

  function end(job: Job, result: BatchEnd): void {
    leave(job);
    holding.add(result.prefill_ms + result.decode_ms);
    job.channel.close(result);
  }

  async function run(): Promise<void> {
    for (;;) {
      sweep();
      const action = nextAction({ slots: seats.jobs.map(workOf), queue, served: counters.served, chunks });
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
    fail(seats.running(), error);
    seats.forget();
    if (disposed) return;
    try {
      slots.dispose();
      await model.restore();
      slots = open();
      await slots.warmup();
    } catch (worse) {
      fail([...queue], worse);
    }
  }

  function wake(): void {
    work ??= run().finally(() => {
      work = undefined;
      if (queue.length > 0) wake();
    });
  }

  return {
    max_length: slots.capacity,
    async submit({ tokens, options: given, tenant = "", signal }) {
      if (disposed) throw disposed;
      signal?.throwIfAborted();
      const choice = slots.choice(given, tokens.length);
      sweep();
      const texts = all().length;
      if (texts >= count + room)
        throw new Overloaded(
          texts,
          Math.max(1, Math.ceil((holding.value() * (queue.length + 1)) / count / 1000)),
        );
      counters.arrive(
        tenant,
        all().map((job) => job.tenant),
      );
      const job = createJob({ id: next++, tokens, tenant, choice });
      queue.push(job);
      wake();
      return readText(job.channel, signal, () => {
        job.forsaken = true;
      });
    },
    load() {
      sweep();
      const running = seats.running();
      const held = running.reduce((sum, { tokens, made }) => sum + tokens.length + made, 0);
      return {
        ...{ running: running.length, waiting: queue.length, slots: count },
        cache_usage: held / (count * slots.capacity),
        compilations: programs.compilations.length,
      };
    },
    async idle() {
      while (work) await work;
    },
    async dispose() {
      disposed = new FusewireError("the batch was disposed; open another one");
      fail(all(), disposed);
      await work;
      slots.dispose();
    },
  };
}

/** Of the last values, those longest ago counting least. */
function createAverage() {
  let average: number | undefined;
  return {
    add(value: number) {
      average = average === undefined ? value : 0.8 * average + 0.2 * value;
    },
    value: () => average ?? 0,
  };
}
