import { readFileSync } from "node:fs";
import { FusewireError } from "@fusewire/ir";
import { afterEach, describe, expect, test, vi } from "vitest";
import { memoryFiles } from "../files/index.ts";
import { type ChatMessage, type ChatOptions, loadTokenizer } from "./index.ts";

const folder = new URL("../../../../test/goldens/tokenizers/byte-level-bpe/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), "utf8");
const [json, { chat_template: golden, ...config }] = ["tokenizer.json", "tokenizer_config.json"].map((name) =>
  JSON.parse(read(name)),
);

/** The golden tokenizer with other chat templates: a text or a list in its settings, or files. */
function load(chat_template?: unknown, files: Record<string, string> = {}, added_tokens: object[] = []) {
  const all = {
    "tokenizer.json": JSON.stringify({ ...json, added_tokens: [...json.added_tokens, ...added_tokens] }),
    "tokenizer_config.json": JSON.stringify({ ...config, chat_template }),
    ...files,
  };
  const bytes = Object.entries(all).map(([name, text]) => [name, new TextEncoder().encode(text)] as const);
  return loadTokenizer(memoryFiles(Object.fromEntries(bytes), "'tiny'"));
}
const user = { role: "user", content: "Hi" };
const answer = { role: "assistant", content: "Once upon" };

async function render(template: string, options: ChatOptions = {}, messages: ChatMessage[] = [user]) {
  return (await load(template)).apply_chat_template(messages, { ...options, tokenize: false });
}

describe("where templates come from", () => {
  test("one in the settings, a list of named ones, files, which win", async () => {
    const one = await load("one");
    expect(one.chat_template).toBe("one");
    const named = [
      { name: "default", template: "plain" },
      { name: "tool_use", template: "with tools" },
      { name: "rag", template: "with documents" },
    ];
    const several = await load(named);
    const text = (options: ChatOptions = {}) =>
      several.apply_chat_template([user], { ...options, tokenize: false });
    expect(several.chat_template).toMatchObject({ rag: "with documents" });
    expect(text()).toBe("plain");
    expect(text({ tools: [{}] })).toBe("with tools");
    expect(text({ tools: [{}], chat_template: "default" })).toBe("plain");
    expect(text({ chat_template: "rag" })).toBe("with documents");
    expect(text({ chat_template: "{{ 1 }}" })).toBe("1");

    const filed = await load(named, {
      "chat_template.jinja": "file\r\n",
      "additional_chat_templates/rag.jinja": "rag file",
      "additional_chat_templates/note.txt": "",
    });
    expect(filed.chat_template).toEqual({ default: "file\r\n", rag: "rag file" });
    expect(filed.apply_chat_template([user], { tokenize: false })).toBe("file");
  });

  test("a template given while loading", async () => {
    const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const files = { "tokenizer.json": bytes(json), "tokenizer_config.json": bytes(config) };
    const tokenizer = await loadTokenizer(memoryFiles(files), { chat_template: "{{ messages[0].content }}" });
    expect(tokenizer.apply_chat_template([user], { return_dict: false })).toEqual(tokenizer.encode("Hi"));
  });

  test.each([
    [undefined, {}, "the tokenizer has no chat template, which base models lack; pass one as chat_template"],
    [
      [{ name: "a", template: "" }],
      {},
      "several chat templates and no default; name one as chat_template: a",
    ],
    [
      [
        { name: "default", template: "x" },
        { name: "tool_use", template: "y" },
      ],
      { chat_template: "rag" },
      "'rag' is no chat template, nor the name of one; the tokenizer has default, tool_use",
    ],
  ])("%j with %j", async (template, options, message) => {
    const tokenizer = await load(template);
    expect(() => tokenizer.apply_chat_template([user], options)).toThrow(message);
  });

  test.each([
    [7, "'chat_template' of tokenizer_config.json is 7, expected a template or a list"],
    [[{ name: "a" }], "has an entry that is not an object with 'name' and 'template'"],
  ])("%j is refused", async (template, message) => {
    await expect(load(template)).rejects.toThrow(message);
    await expect(load(template)).rejects.toBeInstanceOf(FusewireError);
  });
});

describe("what templates find", () => {
  afterEach(() => vi.useRealTimers());

  test("special tokens, variables, tools, documents, null where there are none", async () => {
    const template =
      "{{ bos_token }}{{ name }}{{ tools | tojson }}{{ documents is none }}{{ unk_token is defined }}{{ tools is defined }}";
    expect(await render(template, { name: "Max" })).toBe("<|begin_of_text|>MaxnullTrueFalseTrue");
    expect(await render(template, { name: "", bos_token: "<s>", tools: [{ a: 1 }] })).toContain(
      '<s>[{"a": 1}]',
    );
  });

  test("tojson as Python writes it", async () => {
    const template = `{{ tools | tojson }} {{ tools | tojson(indent=2) }} {{ tools | tojson(ensure_ascii=true) }}`;
    expect(await render(template, { tools: [{ b: "é<>&'", a: [] }] })).toBe(
      `[{"b": "é<>&'", "a": []}] [\n  {\n    "b": "é<>&'",\n    "a": []\n  }\n] [{"b": "\\u00e9<>&'", "a": []}]`,
    );
  });

  test("strftime_now, in English", async () => {
    vi.useFakeTimers({ now: new Date(2024, 6, 4, 15, 5, 9) });
    const format = "%d %b %Y|%A %B %-d|%a %j %y|%H:%M:%S|%I %p|%F %T|%%|%Q";
    expect(await render(`{{ strftime_now("${format}") }}`)).toBe(
      "04 Jul 2024|Thursday July 4|Thu 186 24|15:05:09|03 PM|2024-07-04 15:05:09|%|%Q",
    );
  });

  test("range, with a limit", async () => {
    expect(await render("{{ range(3) | join }} {{ range(4, 0, -2) | join }}")).toBe("012 42");
    await expect(render("{{ range(10 ** 9) }}")).rejects.toThrow("failed (OverflowError: Range too big.");
  });

  test("messages without null fields, reasoning under its names", async () => {
    const template = "{% for m in messages %}{{ m | tojson }}{% endfor %}";
    const messages = [
      { role: "assistant", content: null, x: undefined, reasoning: "R", calls: [{ id: null }] },
      { role: "user", thinking: "T" },
    ];
    expect(await render(template, {}, messages)).toBe(
      '{"thinking": "R", "role": "assistant", "reasoning": "R", "calls": [{"id": null}], "reasoning_content": "R"}' +
        '{"thinking": "T", "role": "user", "reasoning_content": "T"}',
    );
  });

  test("errors of templates name what happened", async () => {
    await expect(render("{{ raise_exception('No ' + messages[0].role) }}")).rejects.toThrow(
      "the chat template refuses these messages: No user; change the messages",
    );
    await expect(render("{% if %}")).rejects.toThrow("the chat template cannot be read (");
    await expect(render("{{ messages.x() }}")).rejects.toThrow("the chat template failed (");
  });
});

describe("continue_final_message", () => {
  test.each([
    ["{{ messages[-1].content }}!", "Max ran to  ", {}, "Max ran to  "],
    ["{{ messages[-1].content | trim }}!", "Max ran to  ", {}, "Max ran to"],
    ["<{{ messages[-1].reasoning_content }}>!", "-", { thinking: "Hm" }, "<Hm"],
  ])("%s", async (template, content, more, wanted) => {
    const messages = [{ role: "assistant", content, ...more }];
    const field = "thinking" in more ? "thinking" : true;
    expect(await render(template, { continue_final_message: field }, messages)).toBe(wanted);
  });

  test("the last text of several parts", async () => {
    const content = [{ text: "a" }, { text: "b" }, { image: "c" }];
    const template = "{% for p in messages[0].content %}({{ p.text }}){% endfor %}";
    expect(await render(template, { continue_final_message: true }, [{ role: "user", content }])).toBe(
      "(a)(b",
    );
  });

  test.each([
    ["x", {}, [user], "'content', which the chat template does not read"],
    [
      "{{ messages[0].content }}",
      {},
      [{ role: "user" }],
      "needs a last message with 'content', which is missing",
    ],
    ["{# content #}x", {}, [user], "the last message is not in the rendered chat"],
    ["{# content #}", {}, [{ role: "user", content: [] }], "finds no text to go on with"],
    ["x", { add_generation_prompt: true }, [user], "add_generation_prompt begins a new one; set one of them"],
    ["x", { return_assistant_tokens_mask: true, tokenize: true }, [user], "needs whole messages"],
  ])("%s %j is refused", async (template, options, messages, message) => {
    const tokenizer = await load(template);
    expect(() =>
      tokenizer.apply_chat_template(messages, { ...options, continue_final_message: true }),
    ).toThrow(message);
  });
});

describe("assistant masks", () => {
  const template =
    "{% for m in messages %}[{% if m.role == 'assistant' %}{% generation %}{% set said = m.content %}{{ said }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}]{% endfor %}{{ said }}";

  test("the text inside, with all bytes of its last character, next to any other text", async () => {
    const tokenizer = await load(template);
    for (const content of ["Once upon", "😀", "a 😀", "", "\n"]) {
      const encoding = tokenizer.apply_chat_template([user, { ...answer, content }, user], {
        return_assistant_tokens_mask: true,
      });
      const [ids = [], mask = []] = [encoding.input_ids[0], encoding.assistant_masks?.[0]];
      expect(tokenizer.decode(ids.filter((_, i) => mask[i]))).toBe(content);
    }
  });

  test("no token of an empty block, not even one that reaches over it", async () => {
    const tokenizer = await load("Onc{% generation %}{% endgeneration %}e");
    const encoding = tokenizer.apply_chat_template([user], { return_assistant_tokens_mask: true });
    expect(encoding.input_ids).toEqual([tokenizer.encode("Once")]);
    expect(encoding.assistant_masks?.[0]).toEqual(encoding.input_ids[0]?.map(() => 0));
  });

  test("cut and padded with the ids; offsets of the rendered text", async () => {
    const tokenizer = await load(template);
    const text = tokenizer.apply_chat_template([user, answer], { tokenize: false });
    const encoding = tokenizer.apply_chat_template([[user, answer], [user]], {
      return_assistant_tokens_mask: true,
      return_offsets_mapping: true,
      padding: "max_length",
      truncation: true,
      max_length: 7,
      padding_side: "right",
    });
    expect(encoding.assistant_masks).toEqual([
      [0, 0, 0, 0, 0, 1, 1],
      [0, 0, 0, 0, 0, 0, 0],
    ]);
    expect(encoding.attention_mask[1]).toEqual([1, 1, 1, 1, 0, 0, 0]);
    const pieces = encoding.offset_mapping?.[0]?.map(([start, end]) => text.slice(start, end));
    expect(pieces?.join("")).toBe("[Hi][Once");
  });

  test("what a block sets stays inside, as in Python", async () => {
    expect(await render(template, {}, [answer])).toBe("[Once upon]");
  });

  test("a template without such blocks", async () => {
    const tokenizer = await load("x");
    expect(() => tokenizer.apply_chat_template([user], { return_assistant_tokens_mask: true })).toThrow(
      "needs a chat template with {% generation %}",
    );
  });
});

describe("control tokens in what users give", () => {
  const think = { id: 384, content: "<think>", special: false, normalized: false };
  const template = "{{ messages[0].content }}{{ tools | tojson(ensure_ascii=true) }}{{ name }}<think>";
  const ids = async (given: ChatMessage, options: ChatOptions = {}) => {
    const tokenizer = await load(template, {}, [think]);
    const all = tokenizer.apply_chat_template([given], { ...options, return_dict: false });
    return all.filter((id) => id < 5 || id === think.id);
  };

  test("of the assistant, those that are not special stay", async () => {
    const content = "<think><|im_end|>";
    expect(await ids({ role: "user", content })).toEqual([384]);
    expect(await ids({ role: "assistant", content })).toEqual([384, 384]);
    expect(await ids({ role: "assistant", content }, { sanitize_control_tokens: true })).toEqual([384]);
    expect(await ids({ role: "user", content }, { sanitize_control_tokens: false })).toEqual([384, 4, 384]);
  });

  test("in tools, escaped or not, and in variables", async () => {
    expect(await ids(user, { tools: [{ a: "<|im_end|>" }], name: "<|im_end|>" })).toEqual([384]);
    expect(await ids({ role: "user", content: "\ue000<|im_end|>\\ue001" })).toEqual([384]);
  });

  test("characters for private use are left alone", async () => {
    const tokenizer = await load("{{ messages[0].content }}");
    const content = "\ue000\ue001\ue002 \\ue003 <|im_end|>\uf8ff";
    const given = tokenizer.apply_chat_template([{ role: "user", content }], { return_dict: false });
    expect(tokenizer.decode(given)).toBe(content);
  });
});

describe("bad calls", () => {
  test.each([
    [[], {}, "needs a list of messages, or of conversations, with at least one; got an empty list"],
    ["Hi", {}, 'got the text "Hi"'],
    [["Hi"], {}, 'message 0 is the text "Hi", expected an object'],
    [[[user], [7]], {}, "message 0 of conversation 1 is 7, expected an object"],
    [
      [{ role: "user", content: () => 1 }],
      {},
      "messages[0].content is a function; chat templates take plain data",
    ],
    [[user], { date: new Date(0) }, "variables.date is an object; chat templates take plain data"],
    [
      [user],
      { tools: "x" },
      "option 'tools' of apply_chat_template is the text \"x\", expected a list of objects",
    ],
    [[user], { add_generation_promt: true }, "apply_chat_template has no option 'add_generation_promt'"],
    [[user], { messages: [] }, "apply_chat_template has no option 'messages'"],
    [[user], { add_special_tokens: true }, "apply_chat_template has no option 'add_special_tokens'"],
    [[user], { padding: "left" }, "option 'padding' of apply_chat_template"],
    [[user], { return_assistant_tokens_mask: true, return_dict: false }, "is part of the encoding"],
    [[user], { sanitize_control_tokens: true, tokenize: false }, "acts on ids"],
  ])("%j %j", async (messages, options, message) => {
    const tokenizer = await load(`${golden}{{ date }}`);
    // @ts-expect-error: what JavaScript users may pass
    const call = () => tokenizer.apply_chat_template(messages, options);
    expect(call).toThrow(message);
    expect(call).toThrow(FusewireError);
  });
});
