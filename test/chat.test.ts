// Chats against what Hugging Face made of the same messages, and that no message can write the chat around it.

import { readFileSync } from "node:fs";
import {
  type ChatMessage,
  type ChatOptions,
  loadTokenizer,
  memoryFiles,
  type Tokenizer,
} from "@fusewire/models";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";

interface Expected {
  readonly cases: readonly {
    readonly conversation: string;
    readonly messages: ChatMessage[];
    readonly options: ChatOptions;
    readonly text: string;
    readonly input_ids: number[];
    readonly attention_mask: number[];
    readonly assistant_masks?: number[];
    readonly assistant_text?: string;
  }[];
  readonly raises: { readonly messages: ChatMessage[]; readonly message_contains: string };
}

function load(name: string, chat_template?: string): Promise<Tokenizer> {
  const read = (file: string) => new Uint8Array(readFileSync(goldenPath("tokenizers", name, file)));
  const files = ["tokenizer.json", "tokenizer_config.json"].map((file) => [file, read(file)] as const);
  return loadTokenizer(memoryFiles(Object.fromEntries(files), name), chat_template ? { chat_template } : {});
}

describe("the golden chats", async () => {
  const file = readFileSync(goldenPath("tokenizers", "byte-level-bpe", "expected.json"), "utf8");
  const { cases, raises }: Expected = JSON.parse(file).chat;
  const tokenizer = await load("byte-level-bpe");

  test.each(cases)("$conversation $options", (row) => {
    const { messages, options, text, input_ids, attention_mask, assistant_masks, assistant_text } = row;
    const { return_assistant_tokens_mask: _, ...plain } = options;
    expect(tokenizer.apply_chat_template(messages, { ...plain, tokenize: false })).toBe(text);
    for (const sanitize of [{}, { sanitize_control_tokens: true }, { sanitize_control_tokens: false }])
      expect(tokenizer.apply_chat_template(messages, { ...options, ...sanitize })).toEqual({
        input_ids: [input_ids],
        attention_mask: [attention_mask],
        ...(assistant_masks && { assistant_masks: [assistant_masks] }),
      });
    expect(tokenizer.apply_chat_template(messages, { ...plain, return_dict: false })).toEqual(input_ids);
    if (assistant_masks)
      expect(tokenizer.decode(input_ids.filter((_, i) => assistant_masks[i]))).toBe(assistant_text);
  });

  test("all at once, padded", () => {
    const plain = cases.filter((row) => Object.keys(row.options).length === 0);
    const rows = plain.map((row) => row.messages);
    const { input_ids, attention_mask, assistant_masks } = tokenizer.apply_chat_template(rows, {
      padding: true,
      return_assistant_tokens_mask: true,
    });
    const longest = Math.max(...plain.map((row) => row.input_ids.length));
    const fill = (values: number[]) => [...new Array(longest - values.length).fill(0), ...values];
    expect(input_ids).toEqual(plain.map((row) => fill(row.input_ids)));
    expect(attention_mask).toEqual(plain.map((row) => fill(row.attention_mask)));
    const masks = cases.filter((row) => row.assistant_masks).map((row) => fill(row.assistant_masks ?? []));
    expect(assistant_masks).toEqual(masks);
  });

  test("a role that the template refuses", () => {
    expect(() => tokenizer.apply_chat_template(raises.messages)).toThrow(raises.message_contains);
  });
});

const TEMPLATE =
  "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}\n{% endfor %}";

// Ids of transformers 5.23, without and with sanitize_control_tokens. For Unigram it refuses the second: there the
// vocabulary spells out "</s>".
describe.each([
  {
    name: "byte-level-bpe",
    content: "hi <|im_end|> x",
    asToken: [1, 63, 89, 87, 283, 65, 272, 77, 225, 4, 225, 92, 2, 203],
    asText: [1, 63, 89, 87, 283, 65, 272, 77, 225, 32, 96, 286, 67, 382, 96, 34, 225, 92, 2, 203],
  },
  {
    name: "llama3-bpe",
    content: "hi <|im_end|> x",
    asToken: [1, 63, 89, 87, 283, 65, 272, 77, 225, 4, 225, 92, 2, 203],
    asText: [1, 63, 89, 87, 283, 65, 272, 77, 225, 32, 96, 286, 67, 382, 96, 34, 225, 92, 2, 203],
  },
  {
    name: "llama2-bpe",
    content: "hi </s> x",
    asToken: [1, 315, 94, 309, 307, 338, 96, 327, 297, 315, 2, 315, 315, 312, 2, 315, 13],
    asText: [1, 315, 94, 309, 307, 338, 96, 327, 297, 315, 63, 50, 307, 65, 315, 312, 2, 315, 13],
  },
  {
    name: "unigram",
    content: "hi </s> x",
    asToken: [1, 94, 383, 275, 96, 330, 276, 259, 2, 259, 390, 2, 13],
    asText: [1, 94, 383, 275, 96, 330, 276, 259, 63, 50, 262, 65, 259, 390, 2, 13],
  },
])("$name: special tokens in a message", async ({ name, content, asToken, asText }) => {
  const tokenizer = await load(name, TEMPLATE);
  const messages = [{ role: "user", content }];

  test("are text unless they are asked for", () => {
    const ids = (options: ChatOptions) =>
      tokenizer.apply_chat_template(messages, { ...options, return_dict: false });
    expect(ids({})).toEqual(asText);
    expect(ids({ sanitize_control_tokens: true })).toEqual(asText);
    expect(ids({ sanitize_control_tokens: false })).toEqual(asToken);
  });

  test("never become tokens, however a user cuts them into parts", () => {
    const special = tokenizer.all_special_tokens;
    const parts = `{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{{ eos_token }}{% endfor %}`;
    const scraps = special.flatMap((token) => [token, token.slice(0, 3), token.slice(3), token.slice(-1)]);
    const text = fc.constantFrom(...scraps, "<", "a", " ", "é😀", "\n");
    const role = fc.constantFrom("user", "assistant", "tool");
    fc.assert(
      fc.property(fc.array(fc.array(text), { minLength: 1, maxLength: 5 }), role, (texts, role) => {
        const content = texts.map((scraps) => ({ type: "text", text: scraps.join("") }));
        const messages = [{ role, content }];
        const ids = tokenizer.apply_chat_template(messages, { chat_template: parts, return_dict: false });
        const control = ids.filter((id) => tokenizer.all_special_ids.includes(id));
        expect(control).toEqual([tokenizer.eos_token_id]);
      }),
      { numRuns: 300 },
    );
  });
});

test("the white space around {% generation %} and every byte inside, as in Python", async () => {
  const template = [
    "{% for m in messages %}",
    "{% if m.role == 'assistant' %}",
    "<|im_start|>assistant",
    "  {%- generation %}",
    "  {{ m.content }}<|im_end|>",
    "  {% endgeneration %}",
    "{% else %}",
    "<|im_start|>{{ m.role }}",
    "{{ m.content }}<|im_end|>",
    "{% endif %}",
    "{% endfor %}",
  ].join("\n");
  const tokenizer = await load("byte-level-bpe", template);
  const messages = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "é a." },
  ];
  expect(tokenizer.apply_chat_template(messages, { tokenize: false })).toBe(
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant  é a.<|im_end|>\n",
  );
  expect(tokenizer.apply_chat_template(messages, { return_assistant_tokens_mask: true })).toMatchObject({
    input_ids: [
      [
        3, 89, 87, 283, 203, 44, 77, 4, 203, 3, 69, 87, 87, 291, 88, 324, 88, 225, 225, 132, 107, 263, 18, 4,
        203,
      ],
    ],
    assistant_masks: [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]],
  });
});
