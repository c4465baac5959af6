// The server as its clients meet it: OpenAI's and Hugging Face's own libraries, unmodified, over HTTP.

import Anthropic from "@anthropic-ai/sdk";
import { InferenceClient } from "@huggingface/inference";
import OpenAI from "openai";
import { afterAll, describe, expect, test } from "vitest";
import { serveTales } from "./support/server.ts";

const { model, tokenizer, batcher, url, close } = await serveTales();
afterAll(close);

const client = new OpenAI({ apiKey: "none", baseURL: `${url}/v1`, maxRetries: 0 });
const post = (path: string, body: unknown) =>
  fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

const MESSAGES = [{ role: "user" as const, content: "Tell me about a fox." }];
const PROMPT = "Once upon a time";

/** What the library makes of a prompt by itself. */
async function alone(ids: readonly number[], max_new_tokens: number): Promise<string> {
  const eos = [model.generation_config.eos_token_id ?? [], tokenizer.eos_token_id ?? []].flat();
  const { new_tokens } = await model.generate(
    { input_ids: [ids] },
    { max_new_tokens, do_sample: false, eos_token_id: eos },
  );
  return tokenizer.decode(new_tokens[0]!, { skip_special_tokens: true });
}
const chatIds = tokenizer.apply_chat_template(MESSAGES, { add_generation_prompt: true, return_dict: false });
model.runtime.programs.failOnRecompile(false);
const CHAT_TEXT = await alone(chatIds, 24);
const PROMPT_TEXT = await alone(tokenizer.encode(PROMPT), 24);
model.runtime.programs.failOnRecompile(true);

/** Lets the server work until something holds. */
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
};
const atRest = () => until(() => batcher.load().running + batcher.load().waiting === 0);

describe("openai", () => {
  test("a chat, whole", async () => {
    const answer = await client.chat.completions.create({
      ...{ model: "tales", messages: MESSAGES, temperature: 0, max_completion_tokens: 24 },
    });
    expect(answer.choices).toEqual([
      {
        index: 0,
        message: { role: "assistant", content: CHAT_TEXT, refusal: null },
        logprobs: null,
        finish_reason: expect.stringMatching(/stop|length/),
      },
    ]);
    expect(answer.object).toBe("chat.completion");
    expect(answer.usage).toMatchObject({ prompt_tokens: chatIds.length });
    expect(answer._request_id).toMatch(/^[\w-]{36}$/);
  });

  test("a chat, streamed: one id, the role first, the reason last, usage where asked", async () => {
    const stream = await client.chat.completions.create({
      ...{ model: "tales", messages: MESSAGES, temperature: 0, max_tokens: 24, stream: true },
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(chunks[0]!.choices[0]!.delta).toEqual({ role: "assistant", content: "" });
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe(CHAT_TEXT);
    expect(chunks.at(-2)!.choices[0]!.finish_reason).not.toBeNull();
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: chatIds.length } });
  });

  test("without include_usage no chunk speaks of it", async () => {
    const stream = await client.chat.completions.create({
      ...{ model: "tales", messages: MESSAGES, temperature: 0, max_tokens: 4, stream: true },
    });
    for await (const chunk of stream) {
      expect(chunk).not.toHaveProperty("usage");
      expect(chunk.choices).toHaveLength(1);
    }
  });

  test("the accumulator of streams, with several answers", async () => {
    const stream = client.chat.completions.stream({
      ...{ model: "tales", messages: MESSAGES, temperature: 1, max_tokens: 12, n: 3, seed: 4 },
    });
    const { choices } = await stream.finalChatCompletion();
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    const again = await client.chat.completions.create({
      ...{ model: "tales", messages: MESSAGES, temperature: 1, max_tokens: 12, n: 3, seed: 4 },
    });
    expect(again.choices.map(({ message }) => message.content)).toEqual(
      choices.map(({ message }) => message.content),
    );
    expect(new Set(choices.map(({ message }) => message.content)).size).toBe(3);
  });

  test("how likely each token was", async () => {
    const { choices } = await client.chat.completions.create({
      ...{
        model: "tales",
        messages: MESSAGES,
        temperature: 0,
        max_tokens: 5,
        logprobs: true,
        top_logprobs: 3,
      },
    });
    const { content } = choices[0]!.logprobs!;
    expect(content!.map(({ token }) => token).join("")).toBe(
      CHAT_TEXT.slice(0, choices[0]!.message.content!.length),
    );
    for (const { token, logprob, bytes, top_logprobs } of content!) {
      expect(top_logprobs).toHaveLength(3);
      // A greedy token is the most likely one.
      expect(top_logprobs[0]).toEqual({ token, logprob, bytes });
      expect(new TextDecoder().decode(Uint8Array.from(bytes!))).toBe(token);
    }
  });

  test("a stop text ends an answer before it, and its slot is free", async () => {
    const stop = CHAT_TEXT.slice(8, 12);
    const { choices } = await client.chat.completions.create({
      ...{ model: "tales", messages: MESSAGES, temperature: 0, max_tokens: 24, stop },
    });
    expect(choices[0]!.message.content).toBe(CHAT_TEXT.slice(0, CHAT_TEXT.indexOf(stop)));
    expect(choices[0]!.finish_reason).toBe("stop");
    await atRest();
  });

  test("completions of texts and of ids, echoed, with scores", async () => {
    const { choices, usage } = await client.completions.create({
      ...{
        model: "tales",
        prompt: [PROMPT, "The dog"],
        temperature: 0,
        max_tokens: 24,
        echo: true,
        logprobs: 1,
      },
    });
    expect(choices.map(({ text }) => text.slice(0, 7))).toEqual([PROMPT.slice(0, 7), "The dog"]);
    expect(choices[0]!.text).toBe(PROMPT + PROMPT_TEXT);
    expect(choices[0]!.logprobs!.text_offset![0]).toBe(PROMPT.length);
    expect(choices[0]!.logprobs!.tokens!.join("")).toBe(PROMPT_TEXT);
    expect(usage!.total_tokens).toBe(usage!.prompt_tokens + usage!.completion_tokens);
    const ids = await client.completions.create({
      ...{ model: "tales", prompt: tokenizer.encode(PROMPT), temperature: 0, max_tokens: 24 },
    });
    expect(ids.choices[0]!.text).toBe(PROMPT_TEXT);
  });

  test("a stream that is left frees its slot", async () => {
    const stream = await client.chat.completions.create({
      ...({
        model: "tales",
        messages: MESSAGES,
        temperature: 0,
        max_tokens: 400,
        ignore_eos: true,
        stream: true,
      } as {
        model: string;
        messages: typeof MESSAGES;
        stream: true;
      }),
    });
    for await (const _ of stream) break;
    await atRest();
  });

  test("a request that is aborted before its answer frees its slot", async () => {
    const stop = new AbortController();
    const asked = client.chat.completions.create(
      { model: "tales", messages: MESSAGES, max_tokens: 400, ...{ ignore_eos: true } },
      { signal: stop.signal },
    );
    asked.catch(() => undefined);
    await until(() => batcher.load().running === 1);
    stop.abort();
    await expect(asked).rejects.toThrow("aborted");
    await atRest();
  });

  test("errors by class, naming what is wrong", async () => {
    const chat = (more: object) =>
      client.chat.completions.create({ model: "tales", messages: MESSAGES, ...more } as never);
    await expect(chat({ temprature: 0 })).rejects.toThrow(
      "unknown field 'temprature'; did you mean 'temperature'?",
    );
    await expect(chat({ temprature: 0 })).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(chat({ temperature: 3 })).rejects.toMatchObject({ status: 400, param: "temperature" });
    await expect(chat({ model: "gpt-4o" })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(chat({ messages: [] })).rejects.toThrow("'messages' must be a list of messages");
    await expect(chat({ frequency_penalty: 0.5 })).rejects.toThrow(
      "a penalty that counts tokens is not built",
    );
    await expect(chat({ top_logprobs: 2 })).rejects.toThrow("'top_logprobs' needs logprobs: true");
    await expect(chat({ messages: [{ role: "user", content: [{ type: "image_url" }] }] })).rejects.toThrow(
      "message 0 holds a part of type 'image_url'; only texts are read",
    );
    await expect(
      client.completions.create({ model: "tales", prompt: PROMPT, max_tokens: 9999 }),
    ).rejects.toThrow("together more than the 512 that the model holds");
  });
});

describe("@huggingface/inference", () => {
  const hf = new InferenceClient("none", { endpointUrl: url });

  test("chatCompletion, whole and streamed", async () => {
    const args = { model: "tales", messages: MESSAGES, temperature: 0, max_tokens: 24 };
    expect((await hf.chatCompletion(args)).choices[0]!.message.content).toBe(CHAT_TEXT);
    let text = "";
    for await (const chunk of hf.chatCompletionStream(args)) text += chunk.choices[0]!.delta.content ?? "";
    expect(text).toBe(CHAT_TEXT);
  });

  test("textGeneration", async () => {
    const { generated_text } = await hf.textGeneration({
      ...{ model: "tales", inputs: PROMPT, parameters: { max_new_tokens: 24, do_sample: false } },
    });
    expect(generated_text).toContain(PROMPT_TEXT);
  });
});

describe("@anthropic-ai/sdk", () => {
  const anthropic = new Anthropic({ apiKey: "none", baseURL: url, maxRetries: 0 });
  const args = { model: "tales", messages: MESSAGES, temperature: 0, max_tokens: 24 };

  test("a message, whole", async () => {
    const answer = await anthropic.messages.create(args);
    expect(answer).toMatchObject({ type: "message", role: "assistant", model: "tales", stop_sequence: null });
    expect(answer.content).toEqual([{ type: "text", text: CHAT_TEXT }]);
    const { input_tokens, cache_read_input_tokens } = answer.usage;
    expect(input_tokens + cache_read_input_tokens!).toBe(chatIds.length);
  });

  test("the accumulator of streams", async () => {
    const stream = anthropic.messages.stream(args);
    let said = "";
    stream.on("text", (piece) => {
      said += piece;
    });
    const { content, stop_reason, usage } = await stream.finalMessage();
    expect(content).toMatchObject([{ type: "text", text: CHAT_TEXT }]);
    expect(said).toBe(CHAT_TEXT);
    expect(stop_reason).toBe("max_tokens");
    expect(usage.output_tokens).toBe(24);
  });

  test("a stop sequence is named", async () => {
    const stop = CHAT_TEXT.slice(8, 12);
    const answer = await anthropic.messages.create({ ...args, stop_sequences: ["nowhere", stop] });
    expect(answer).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: stop });
  });

  test("a system text goes before the conversation", async () => {
    const told = await anthropic.messages.create({ ...args, system: [{ type: "text", text: "Be brief." }] });
    const chat = await client.chat.completions.create({
      ...{ model: "tales", temperature: 0, max_tokens: 24 },
      messages: [{ role: "system", content: "Be brief." }, ...MESSAGES],
    });
    expect(told.content).toMatchObject([{ text: chat.choices[0]!.message.content }]);
  });

  test("errors by class", async () => {
    const ask = (more: object) => anthropic.messages.create({ ...args, ...more } as never);
    await expect(ask({ temperature: 2 })).rejects.toBeInstanceOf(Anthropic.BadRequestError);
    await expect(ask({ temperature: 2 })).rejects.toThrow("'temperature' must be a number from 0 to 1");
    await expect(ask({ max_tokens: null })).rejects.toThrow("'max_tokens' is missing");
    await expect(ask({ model: "claude" })).rejects.toBeInstanceOf(Anthropic.NotFoundError);
  });
});

describe("TGI", () => {
  const generate = async (body: object, path = "/generate") => {
    const answer = await post(path, body);
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };
  const greedy = { do_sample: false, max_new_tokens: 24 };

  test("generate, with details", async () => {
    const { body, headers } = await generate({
      inputs: PROMPT,
      parameters: { ...greedy, details: true, top_n_tokens: 2 },
    });
    expect(body).toMatchObject({
      generated_text: PROMPT_TEXT,
      details: { generated_tokens: expect.any(Number), prefill: [], seed: null },
    });
    const { tokens, top_tokens } = (
      body as { details: { tokens: { text: string }[]; top_tokens: object[][] } }
    ).details;
    expect(tokens.map(({ text }) => text).join("")).toContain(PROMPT_TEXT);
    expect(top_tokens.map(([best]) => best)).toEqual(tokens);
    expect(headers.get("x-generated-tokens")).toBe(String(tokens.length));
  });

  test("the route / answers with a list, or a stream", async () => {
    expect((await generate({ inputs: PROMPT, parameters: greedy }, "/")).body).toEqual([
      { generated_text: PROMPT_TEXT },
    ]);
    const events = await (
      await post("/", { inputs: PROMPT, stream: true, parameters: { ...greedy, details: true } })
    ).text();
    const data = events
      .trim()
      .split("\n\n")
      .map((event) => JSON.parse(event.replace("data: ", "")));
    expect(data.map(({ token }) => token.text).join("")).toBe(PROMPT_TEXT);
    expect(data.map(({ index }) => index)).toEqual(data.map((_, k) => k + 1));
    expect(
      data.slice(0, -1).every(({ generated_text, details }) => generated_text === null && details === null),
    ).toBe(true);
    expect(data.at(-1)).toMatchObject({
      generated_text: PROMPT_TEXT,
      details: { generated_tokens: data.length },
    });
  });

  test("a stop text stays in the answer", async () => {
    const stop = PROMPT_TEXT.slice(5, 9);
    const { body } = await generate({
      inputs: PROMPT,
      parameters: { ...greedy, stop: [stop], details: true },
    });
    const { generated_text, details } = body as { generated_text: string; details: object };
    expect(generated_text).toContain(stop);
    expect(details).toMatchObject({ finish_reason: "stop_sequence" });
  });

  test.each<[object, string]>([
    [{ inputs: "" }, "`inputs` cannot be empty"],
    [{ inputs: "a", parameters: { temperature: 0 } }, "`temperature` must be strictly positive"],
    [{ inputs: "a", parameters: { top_p: 1 } }, "`top_p` must be > 0.0 and < 1.0"],
    [{ inputs: "a", parameters: { top_k: 0 } }, "`top_k` must be strictly positive"],
    [
      { inputs: "a", parameters: { max_new_tokens: 9999 } },
      "`max_new_tokens` must be <= 512. Given: 1 `inputs` tokens and 9999",
    ],
    [{ inputs: "a", parameters: { best_of: 3 } }, "`best_of` above 1 is not built"],
    [
      { inputs: "a", parameters: { max_tokens: 3 } },
      "unknown field 'max_tokens'; did you mean 'max_new_tokens'?",
    ],
    [{ inputs: "a ".repeat(600) }, "`inputs` must have less than 512 tokens. Given: 601"],
  ])("%.60j is refused in its words", async (asked, message) => {
    const { status, body } = await generate(asked);
    expect(status).toBe(422);
    expect(body).toEqual({
      error: expect.stringContaining(`Input validation error: `),
      error_type: "validation",
    });
    expect((body as { error: string }).error).toContain(message);
  });

  test("tokenize and info", async () => {
    const { body } = await generate({ inputs: "The fox ran." }, "/tokenize");
    const tokens = body as { id: number; text: string; start: number; stop: number }[];
    expect(tokens.map(({ id }) => id)).toEqual(tokenizer.encode("The fox ran."));
    for (const { text, start, stop } of tokens) expect("The fox ran.".slice(start, stop)).toBe(text);
    const info = await (await fetch(`${url}/info`)).json();
    expect(info).toMatchObject({ model_id: "tales", max_input_tokens: 511, max_total_tokens: 512 });
  });
});

test("eight texts at once are what each is alone, sampled ones too", async () => {
  const ask = (index: number) =>
    client.completions.create({
      ...{ model: "tales", prompt: `${PROMPT}, number ${index},`, max_tokens: 16, seed: index },
      temperature: index % 2,
    });
  const apart: string[] = [];
  for (let index = 0; index < 8; index++) apart.push((await ask(index)).choices[0]!.text);
  const together = await Promise.all(Array.from({ length: 8 }, (_, index) => ask(index)));
  expect(together.map(({ choices }) => choices[0]!.text)).toEqual(apart);
});

test("health, models and metrics", async () => {
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "ok" });
  const models = await client.models.list();
  expect(models.data.map(({ id }) => id)).toEqual(["tales"]);
  expect((await client.models.retrieve("tales")).owned_by).toBe("fusewire");
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toContain('vllm:num_requests_running{model_name="tales"} 0\n');
  expect(text).toContain('vllm:kv_cache_usage_perc{model_name="tales"} 0\n');
  expect(text).toMatch(/vllm:request_success_total\{model_name="tales",finished_reason="stop"\} \d+\n/);
  expect(text).toMatch(/vllm:time_to_first_token_seconds_bucket\{model_name="tales",le="\+Inf"\} \d+\n/);
});

test.each<[string, unknown, number, string]>([
  ["no JSON", "{", 400, "the body is no JSON"],
  ["no object", "[]", 400, "the body must be a JSON object"],
  ["too large", "x".repeat(2_000_001), 413, "the body is larger than 2000000 bytes"],
  ["deep JSON", "[".repeat(900_000) + "]".repeat(900_000), 400, "the body"],
  ["ids that are none", { prompt: [1, 2, 1e9] }, 400, "holds 1000000000, which is no token of the model"],
  ["an empty prompt", { prompt: "" }, 400, "prompt 0 is empty"],
  ["a number that is none", { prompt: "a", max_tokens: 1e300 }, 400, "'max_tokens' must be an integer"],
])("%s is told apart", async (_, body, status, message) => {
  const answer = await post("/v1/completions", body);
  expect(answer.status).toBe(status);
  expect(((await answer.json()) as { error: { message: string } }).error.message).toContain(message);
});

test("there is no other route", async () => {
  const answer = await post("/v1/nothing", {});
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ error: { message: "there is no POST /v1/nothing" } });
});
