/** Caches of 16 bits and of bytes: what they cost against Hugging Face's numbers, and that no copy in f32 is made of them. */
import { type CacheDTypeName, loadCausalLM, standardSelection, traceEntry } from "@fusewire/generate";
import { floats, NodeTable } from "@fusewire/ir";
import { openModelDirectory } from "@fusewire/models/node";
import { createReferenceEngine, EVERY_KERNEL, lower, type Program, planMemory } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { MODELS } from "./support/parity.ts";
import { inputsOf, largestDifference, numbers, openArrays, readGolden } from "./support/read.ts";

interface Expected {
  readonly batch: { readonly input_ids: number[][] };
  readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
  readonly greedy: { readonly max_new_tokens: number; readonly new_tokens: number[][] };
}

/** How far scores of the golden models, some units large, may be from Hugging Face's with caches of f32. */
const TOLERANCE: Readonly<Record<"float16" | "int8", number>> = { float16: 0.015, int8: 0.25 };

describe.each(["float16", "int8"] as const)("%s", (cache_dtype) => {
  describe.each(["wasm", "eager:wasm"])("on %s", (device) => {
    test.each(MODELS)("%s: scores near Hugging Face's, and its tokens where 16 bits are kept", (name) =>
      withModel(
        goldenPath("models", name),
        device,
        async (model) => {
          const expected = readGolden<Expected>(goldenPath("models", name, "expected.json"));
          const arrays = await openArrays(goldenPath("models", name, "expected.safetensors"));
          const { logits } = await model.forward(inputsOf(expected.batch));
          const difference = largestDifference(floats(logits), await numbers(arrays("batch.logits")));
          expect(difference).toBeLessThan(TOLERANCE[cache_dtype]);
          // Rounding shows, or the cache is not what was asked for.
          expect(difference).toBeGreaterThan(1e-5);
          if (cache_dtype === "int8") return;
          const { max_new_tokens, new_tokens } = expected.greedy;
          const result = await model.generate(inputsOf(expected.left_padded), {
            max_new_tokens,
            eos_token_id: [],
          });
          expect(result.new_tokens).toEqual(new_tokens);
        },
        { cache_dtype },
      ),
    );
  });
});

/** The greedy decode program of a golden model for an engine that has every kernel. */
async function decodeProgram(name: string, cache_dtype: CacheDTypeName): Promise<Program> {
  const files = await openModelDirectory(goldenPath("models", name));
  const model = await loadCausalLM(files, { engine: createReferenceEngine(), cache_dtype });
  const selection = standardSelection(false);
  const key = { kind: "decode", batch: 1, rows: 1, capacity: 64, selection, eosCount: 8 } as const;
  const module = traceEntry(key, model.runtime.source, new NodeTable());
  await model.dispose();
  return planMemory(lower(module, EVERY_KERNEL), EVERY_KERNEL);
}

const cacheBytes = ({ buffers }: Program): number =>
  buffers.reduce(
    (sum, { kind, name, bytes }) => sum + (kind === "state" && name?.startsWith("cache.") ? bytes : 0),
    0,
  );

describe.each(MODELS)("the plan of %s", (name) => {
  test.each([
    ["float16", "f16"],
    ["int8", "i8"],
  ] as const)(
    "%s: attention reads the states themselves, and nothing else does",
    async (cache_dtype, dtype) => {
      const [plain, program] = [await decodeProgram(name, "float32"), await decodeProgram(name, cache_dtype)];
      const caches = program.buffers.flatMap(({ kind, name }, k) =>
        kind === "state" && name?.startsWith("cache.") ? [k] : [],
      );
      const readers = program.steps.filter(({ reads }) =>
        reads.some(({ buffer }) => caches.includes(buffer)),
      );
      const kernels = new Set(readers.map(({ kernel }) => kernel));
      expect(
        [...kernels].filter((kernel) => !["attention", "cache_write", "append_heads"].includes(kernel)),
      ).toEqual([]);
      const attentions = readers.filter(({ kernel }) => kernel === "attention");
      expect(attentions).toHaveLength(plain.steps.filter(({ kernel }) => kernel === "attention").length);
      for (const { reads } of attentions)
        expect([reads[1], reads[2]].map((ref) => ref!.type.dtype)).toEqual([dtype, dtype]);
      expect(cacheBytes(program)).toBeLessThan(cacheBytes(plain) * (dtype === "f16" ? 0.51 : 0.35));
    },
  );
});
