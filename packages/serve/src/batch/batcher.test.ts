import { type CausalLM, type GenerationOptions, loadCausalLM } from "@fusewire/generate";
import { tinyModel } from "@fusewire/generate/testing";
import { createReferenceEngine } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { type BatchEnd, type BatchedText, type Batcher, type BatcherOptions, Overloaded } from "./batch.ts";
import { createBatcher } from "./batcher.ts";
import { hostBatcher } from "./host.ts";
import { remoteBatcher } from "./remote.ts";
import type { Order, Report } from "./wire.ts";

const BUCKETS = { batch: [1, 2, 4], chunk: [4, 8], capacity: 64 };
const load = () => loadCausalLM(tinyModel(), { engine: createReferenceEngine(), buckets: BUCKETS });
const ids = (length: number, seed = 0): number[] =>
  Array.from({ length }, (_, i) => (7 * i + 3 * seed + 1) % 40);
const greedy = (max_new_tokens: number): GenerationOptions => ({ max_new_tokens, eos_token_id: [] });

async function collect(
  asked: BatchedText | Promise<BatchedText>,
): Promise<{ readonly tokens: number[]; readonly end: BatchEnd }> {
  const text = await asked;
  const tokens: number[] = [];
  for (;;) {
    const { done, value } = await text.next();
    if (done) return { tokens, end: value };
    tokens.push(value.token);
  }
}

const alone = async (model: CausalLM, tokens: readonly number[], options: GenerationOptions) =>
  (await model.generate({ input_ids: [tokens] }, options)).new_tokens[0]!;

/** A batch beyond a connection that copies what is sent, as threads do. */
async function acrossPorts(model: CausalLM, options: BatcherOptions): Promise<Batcher> {
  const { port1, port2 } = new MessageChannel();
  const batcher = await createBatcher(model, options);
  const portOf = <Out, In>(port: MessagePort) => ({
    send: (message: Out) => port.postMessage(message),
    onMessage(listener: (message: In) => void) {
      port.onmessage = ({ data }) => listener(data as In);
    },
  });
  hostBatcher(batcher, portOf<Report, Order>(port2));
  return remoteBatcher({
    port: portOf<Order, Report>(port1),
    gone: new Promise(() => undefined),
    async close() {
      await batcher.dispose();
      port1.close();
    },
  });
}

/** Lets the batch work until something holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe.each([
  ["in this thread", createBatcher],
  ["in another", acrossPorts],
])("%s", (_, open) => {
  test("twelve texts over three slots are what they are alone, and nothing is compiled for them", async () => {
    const model = await load();
    const asks = Array.from({ length: 12 }, (_, k) => ({
      tokens: ids(3 + ((5 * k) % 20), k),
      options: { ...greedy(3 + (k % 7)), ...(k % 3 === 0 && { do_sample: true, seed: k, top_k: 0 }) },
    }));
    const expected = [];
    for (const { tokens, options } of asks) expected.push([...(await alone(model, tokens, options))]);
    const batcher = await open(model, { slots: 3, queue: 9, max_length: 64 });
    model.runtime.programs.failOnRecompile(true);
    const texts = asks.map((ask, k) => collect(batcher.submit({ ...ask, tenant: `t${k % 2}` })));
    expect((await Promise.all(texts)).map(({ tokens }) => tokens)).toEqual(expected);
    await batcher.idle();
    expect(batcher.load()).toEqual({
      ...{ running: 0, waiting: 0, slots: 3, cache_usage: 0 },
      compilations: model.runtime.programs.compilations.length,
    });
    await batcher.dispose();
  });

  test("a second turn takes up what the first left, for its own tenant only", async () => {
    const batcher = await open(await load(), { slots: 2, max_length: 64 });
    const prompt = ids(24);
    const first = await collect(batcher.submit({ tokens: prompt, options: greedy(4), tenant: "a" }));
    const turn = [...prompt, ...first.tokens, 9];
    const other = await collect(batcher.submit({ tokens: turn, options: greedy(2), tenant: "b" }));
    const own = await collect(batcher.submit({ tokens: turn, options: greedy(2), tenant: "a" }));
    expect(first.end.cached_tokens).toBe(0);
    expect(other.end.cached_tokens).toBe(0);
    expect(own.end).toMatchObject({ cached_tokens: 27, prompt_tokens: 29, new_tokens: 2, finish: "length" });
    expect(own.tokens).toEqual(other.tokens);
  });

  test("an end token ends a text, and its slot goes to the next", async () => {
    const model = await load();
    const [first] = await alone(model, ids(5), greedy(1));
    const batcher = await open(model, { slots: 1, queue: 1, max_length: 64 });
    const options = { max_new_tokens: 9, eos_token_id: first! };
    const texts = [0, 1].map(() => collect(batcher.submit({ tokens: ids(5), options })));
    for (const { tokens, end } of await Promise.all(texts)) {
      expect(tokens).toEqual([first]);
      expect(end.finish).toBe("stop");
    }
  });

  test("beyond slots and queue texts are refused at once, with a time to come back", async () => {
    const batcher = await open(await load(), { slots: 2, queue: 1, max_length: 64 });
    const submit = () => batcher.submit({ tokens: ids(4), options: greedy(3) });
    const taken = [submit(), submit(), submit()];
    const refused = submit();
    await expect(refused).rejects.toBeInstanceOf(Overloaded);
    await expect(refused).rejects.toThrow(
      "the model is overloaded: 3 texts run or wait already; try again in 1 s",
    );
    await Promise.all(taken.map(collect));
    expect((await collect(submit())).tokens).toHaveLength(3);
  });

  const leave: readonly (readonly [string, (text: BatchedText, stop: AbortController) => unknown])[] = [
    ["is left by its reader", (text) => text.return(undefined as never)],
    ["is aborted", (_, stop) => stop.abort(new Error("gone"))],
  ];
  test.each(leave)("a text that %s frees its slot: waiting, in its prompt, between tokens", async (_, go) => {
    const batcher = await open(await load(), { slots: 1, queue: 2, max_length: 64 });
    const submit = async (tokens: readonly number[]) => {
      const stop = new AbortController();
      return { stop, text: await batcher.submit({ tokens, options: greedy(40), signal: stop.signal }) };
    };
    const running = await submit(ids(20));
    const waiting = await submit(ids(20, 1));
    await until(() => batcher.load().running === 1);
    go(waiting.text, waiting.stop);
    go(running.text, running.stop);
    await until(() => batcher.load().running + batcher.load().waiting === 0);
    const decoding = await submit(ids(3));
    await decoding.text.next();
    go(decoding.text, decoding.stop);
    await until(() => batcher.load().running === 0);
    expect((await collect(batcher.submit({ tokens: ids(4), options: greedy(2) }))).tokens).toHaveLength(2);
  });

  test("a step that fails ends the texts in it with its error, and the batch goes on", async () => {
    const engine = createReferenceEngine();
    let runs = 0;
    const model = await loadCausalLM(tinyModel(), {
      engine: {
        ...engine,
        run: (...args) => (++runs === 8 ? Promise.reject(new Error("a trap")) : engine.run(...args)),
      },
      buckets: BUCKETS,
    });
    const batcher: Batcher = await open(model, { slots: 2, max_length: 64 });
    const text = await batcher.submit({ tokens: ids(4), options: greedy(30) });
    await expect(collect(text)).rejects.toThrow("a trap");
    expect((await collect(batcher.submit({ tokens: ids(4), options: greedy(2) }))).tokens).toHaveLength(2);
  });

  test("an option that a row cannot have is refused before it waits", async () => {
    const batcher = await open(await load(), { slots: 1, max_length: 64 });
    await expect(batcher.submit({ tokens: ids(4), options: { num_beams: 2 } })).rejects.toThrow("num_beams");
    expect(batcher.load().waiting).toBe(0);
  });

  test("disposing ends what runs and refuses what comes", async () => {
    const batcher = await open(await load(), { slots: 1, max_length: 64 });
    const text = await batcher.submit({ tokens: ids(4), options: greedy(30) });
    await text.next();
    await batcher.dispose();
    await expect(collect(text)).rejects.toThrow("disposed");
    await expect(batcher.submit({ tokens: ids(4), options: greedy(2) })).rejects.toThrow("disposed");
  });
});
