/** Files as people have them: the golden models with something changed. Tokens are those of transformers 5.24. */

import { readdirSync, readFileSync } from "node:fs";
import { type Value, view } from "@fusewire/ir";
import { encodeSafetensors, type ModelFiles, memoryFiles, openCheckpoint } from "@fusewire/models";
import { AutoModelForCausalLM } from "fusewire";
import { describe, expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";

type Json = Record<string, unknown>;
type Edit = (json: Json) => Json;

const PROMPT = [[5, 17, 33, 60, 101, 7]];
const EMBEDDING = "model.embed_tokens.weight";
const set =
  (values: Json): Edit =>
  (json) => ({ ...json, ...values });

/** A golden model with JSON files or weights edited. */
async function changed(
  name: string,
  edits: Readonly<Record<string, Edit>>,
  edit?: (weights: Map<string, Value>) => void,
): Promise<ModelFiles> {
  const folder = goldenPath("models", name);
  const files: Record<string, Uint8Array> = Object.fromEntries(
    readdirSync(folder).map((file) => [file, new Uint8Array(readFileSync(`${folder}/${file}`))]),
  );
  for (const [file, change] of Object.entries(edits)) {
    const json = JSON.parse(new TextDecoder().decode(files[file] ?? new TextEncoder().encode("{}"))) as Json;
    files[file] = new TextEncoder().encode(JSON.stringify(change(json)));
  }
  if (edit) {
    const checkpoint = await openCheckpoint(memoryFiles(files));
    const weights = new Map<string, Value>();
    for (const tensor of checkpoint.names()) weights.set(tensor, await checkpoint.read(tensor));
    edit(weights);
    files["model.safetensors"] = encodeSafetensors(weights);
  }
  return memoryFiles(files, `'${name}, changed'`);
}

async function generate(files: ModelFiles, options: object = { max_new_tokens: 8 }) {
  const model = await AutoModelForCausalLM.from_pretrained(files, { device: "wasm", threads: 1 });
  try {
    const { new_tokens } = await model.generate({ input_ids: PROMPT }, options);
    return { tokens: new_tokens[0]!.slice(0, 8), notices: model.notices };
  } finally {
    await model.dispose();
  }
}

/** The embedding with its rows in the opposite order. */
function turned(weights: Map<string, Value>): void {
  const { type, data } = weights.get(EMBEDDING)!;
  const [rows = 0, width = 0] = type.shape;
  const head = view(type.dtype, new ArrayBuffer(data.byteLength), 0, rows * width);
  for (let row = 0; row < rows; row++)
    head.set(data.subarray(row * width, (row + 1) * width) as never, (rows - 1 - row) * width);
  weights.set("lm_head.weight", { type, data: head });
}

const SMOLLM = [51, 108, 156, 160, 253, 241, 37, 141];
const LLAMA = [176, 361, 290, 340, 362, 122, 303, 21];

describe("weights are found by what they are", () => {
  test("a head of its own, though config.json ties it", async () => {
    const { tokens, notices } = await generate(await changed("smollm", {}, turned));
    expect(tokens).toEqual([268, 172, 73, 178, 290, 313, 291, 60]);
    expect(notices).toEqual([expect.stringContaining("has another one (lm_head.weight), which is used")]);
  });

  test.each<[string, (weights: Map<string, Value>) => void]>([
    [
      "the head alone",
      (weights) => {
        weights.set("lm_head.weight", weights.get(EMBEDDING)!);
        weights.delete(EMBEDDING);
      },
    ],
    [
      "a copy of the embedding as head",
      (weights) => void weights.set("lm_head.weight", weights.get(EMBEDDING)!),
    ],
    [
      "names without 'model.'",
      (weights) => {
        for (const [name, value] of [...weights]) {
          weights.delete(name);
          weights.set(name.replace(/^model\./, ""), value);
        }
      },
    ],
  ])("%s", async (_, edit) => {
    expect(await generate(await changed("smollm", {}, edit))).toEqual({ tokens: SMOLLM, notices: [] });
  });

  test("a missing weight is named with the names looked for", async () => {
    const files = changed("llama", {}, (weights) => void weights.delete("model.norm.weight"));
    await expect(generate(await files)).rejects.toThrow(
      "lacks weights that config.json asks for: model.norm.weight [64] (looked for model.norm.weight, norm.weight,",
    );
  });
});

describe("config.json", () => {
  test("rope_scaling beside rope_parameters replaces it", async () => {
    const files = await changed("llama", {
      "config.json": set({ rope_scaling: { rope_type: "linear", factor: 4 } }),
    });
    expect((await generate(files)).tokens).toEqual([303, 104, 276, 370, 94, 170, 327, 327]);
  });

  test("NaN and Infinity, as Python writes them", async () => {
    const files = await changed("llama", {});
    const text = readFileSync(goldenPath("models", "llama", "config.json"), "utf8");
    const more = text.replace("{", '{"a": NaN, "b": [Infinity, -Infinity], "c": "NaN \\"Infinity\\"",');
    const source = memoryFiles({ "config.json": new TextEncoder().encode(more) });
    const open = (name: string) => (name === "config.json" ? source.open(name) : files.open(name));
    expect((await generate({ ...files, open })).tokens).toEqual(LLAMA);
  });
});

describe("generation_config.json", () => {
  const withDefaults = (values: Json) => changed("llama", { "generation_config.json": set(values) });

  test.each<[Json, object?]>([
    [{ use_cache: false }],
    [{ max_length: 4096 }, {}],
    [{ max_new_tokens: 2048 }, {}],
    [{ max_length: -1 }],
    [{ top_k: -1 }],
    [{ bos_token_id: [1, 3], eos_token_id: [-1], suppress_tokens: [-1] }],
    [{ num_beam_groups: 1, diversity_penalty: 0, penalty_alpha: null, token_healing: false }],
  ])("%j changes no token", async (values, options) => {
    expect((await generate(await withDefaults(values), options)).tokens).toEqual(LLAMA);
  });

  test("the end token of config.json counts only where there is no generation_config.json", async () => {
    const files = await changed("llama", {
      "generation_config.json": set({ eos_token_id: null }),
      "config.json": set({ eos_token_id: 176 }),
    });
    expect((await generate(files)).tokens).toEqual(LLAMA);
  });

  test("a watermark is Hugging Face's", async () => {
    const watermarking_config = {
      ...{ bias: 2.5, context_width: 1, greenlist_ratio: 0.25 },
      ...{ hashing_key: 15485863, seeding_scheme: "lefthash" },
    };
    const { tokens } = await generate(await withDefaults({ watermarking_config }));
    expect(tokens).toEqual([176, 92, 361, 313, 283, 374, 370, 283]);
  });

  test.each<[Json, string, object?]>([
    [{ num_beams: 4, num_beam_groups: 2 }, "'num_beam_groups' is 2: group beam search is not built"],
    [{ penalty_alpha: 0.6, top_k: 4 }, "'penalty_alpha' is 0.6: contrastive search is not built"],
    [{ dola_layers: "high" }, "'dola_layers' is \"high\": DoLa decoding is not built"],
    [{ force_words_ids: [[60]], num_beams: 3 }, "'force_words_ids' is [[60]]: constrained beam search"],
    [{ token_healing: true }, "'token_healing' is true: token healing is not built"],
    [{ do_sample: true, top_k: -1 }, "'top_k' must be an integer of 0 or more, not -1"],
    [{ max_length: -1 }, "'max_length' must be an integer of 1 or more, not -1", {}],
  ])("%j is refused by name", async (values, message, options) => {
    await expect(generate(await withDefaults(values), options)).rejects.toThrow(message);
  });
});
