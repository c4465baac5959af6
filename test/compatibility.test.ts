/** docs/compatibility.md is written from the tables that validation uses: `vitest -u` renews it. */
import {
  CACHE_COMPAT,
  type CompatArgument,
  FROM_PRETRAINED_COMPAT,
  GENERATE_COMPAT,
  OPTIONS,
} from "@fusewire/generate";
import { expect, test } from "vitest";

const row = (name: string, meaning: string) => `| \`${name}\` | ${meaning} |`;

function compatRows(table: Readonly<Record<string, CompatArgument>>): string[] {
  return Object.entries(table).map(([name, { meaning, accepts }]) =>
    row(
      name,
      accepts === undefined
        ? `${name === "torch_dtype" ? "" : "refused: "}${meaning}`
        : `accepts ${accepts.map((value) => `\`${JSON.stringify(value)}\``).join(", ")}: ${meaning}`,
    ),
  );
}

test("docs/compatibility.md says what the tables say", async () => {
  const text = [
    "# Hugging Face arguments",
    "",
    "What each does here. An argument that is not listed is an error that names it.",
    "",
    "## generate()",
    "",
    "| argument | |",
    "|---|---|",
    ...Object.entries(OPTIONS).map(([name, { allowed, sampling }]) =>
      row(name, `${allowed}${sampling ? "; with do_sample" : ""}`),
    ),
    ...compatRows(GENERATE_COMPAT),
    "",
    "## Caches",
    "",
    "`StaticCache`, `SlidingWindowCache`, `DynamicCache` and `QuantizedCache` take `config`, `device`, `dtype` (`float32`, `float16`, `int8`), the first two also `max_cache_len` and `max_batch_size`.",
    "",
    "| argument | |",
    "|---|---|",
    ...compatRows(CACHE_COMPAT),
    "",
    "## from_pretrained()",
    "",
    "| argument | |",
    "|---|---|",
    row(
      "dtype",
      "`auto` (as stored), `float32`, `bfloat16`, `float16`: how weights are kept; arithmetic is f32. `q8` and `q4`: quantized while loading, as are `{bits, group}` with other groups",
    ),
    row(
      "cache_dtype",
      "`float32`, `float16` or `int8`: how keys and values are kept; with `int8` each token and head has a scale of its own",
    ),
    row("device", "`auto` or the name of a device"),
    row("attn_implementation", "`sdpa` (a kernel) or `eager` (plain products and softmax)"),
    row(
      "buckets",
      "`{batch, chunk, capacity}`: the rows, prompt tokens and cache slots that programs are compiled for; what lies between is padded. `{batch: [1, 2, 4, 8, 16, 32], chunk: [8, 64, 256], capacity: 512}`, the last doubling",
    ),
    row(
      "progress_callback",
      "called with `{weight, loaded, total}` after each weight, and with `{file, loaded, total, status}` for files of the hub",
    ),
    row("revision", "branch, tag or commit of a model on the hub; `main` unless given"),
    row(
      "token",
      "for gated and private models; else `HF_TOKEN`, else that of `hf auth login`; `false`: none",
    ),
    row("cache_dir", "else `HF_HUB_CACHE`, else `HF_HOME`/hub, else `~/.cache/huggingface/hub`; Node only"),
    row(
      "local_files_only",
      "take what is cached; `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE` and `FUSEWIRE_OFFLINE` do the same",
    ),
    row("endpoint", "another hub; else `HF_ENDPOINT`, else `https://huggingface.co`"),
    row("signal", "stops downloads; what has arrived is kept"),
    ...compatRows(FROM_PRETRAINED_COMPAT),
    "",
  ].join("\n");
  await expect(text).toMatchFileSnapshot("../docs/compatibility.md");
});
