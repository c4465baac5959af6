/**
 * Dawn's null backend compiles shaders as for a GPU with every feature, and runs nothing. Kernels that the software
 * adapter cannot run, or takes long to build, are checked here: in every way of cutting them, for every family.
 */
import { createWebGpuEngine, type OpenDevice, openDevice, type WebGpuOptions } from "@fusewire/backend-tfjs";
import { type LoadOptions, loadCausalLM, standardSelection } from "@fusewire/generate";
import { openModelDirectory } from "@fusewire/models/node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";

/** Each value of each choice of a variant, and each pair of them that kernels look at together. */
type Variant = NonNullable<WebGpuOptions["variant"]>;
const VARIANTS: Readonly<Record<string, Variant>> = {
  "a thread a line": { lanes: 1, shuffles: 1, chunks: "lines", dot4: false },
  "a workgroup a line": { lanes: 128, shuffles: 1, chunks: "tiles", dot4: true },
  "a workgroup a line, joined by shuffles": { lanes: 128, shuffles: 32, chunks: "tiles", dot4: true },
  "half a workgroup a line, joined by shuffles": { lanes: 64, shuffles: 32, chunks: "tiles", dot4: true },
  "a subgroup a line": { lanes: 32, shuffles: 32, chunks: "tiles", dot4: true },
  "a few subgroups a line": { lanes: 32, shuffles: 8, chunks: "tiles", dot4: true },
  "small subgroups": { lanes: 128, shuffles: 8, chunks: "lines", dot4: false },
};

const FAMILIES = [
  "llama",
  "llama-bias",
  "mistral-window",
  "qwen2",
  "gemma",
  "gemma2",
  "opt",
  "opt-350m-like",
];

let device: OpenDevice;
beforeEach(async () => {
  device = await openDevice({ dawn: ["backend=null"] });
});
afterEach(() => device.dispose());

/** Compiles what plain, sampled and drafted generation of batches needs, and scores of chunks. */
async function compiles(
  name: string,
  variant: Variant,
  options: Omit<LoadOptions, "engine">,
): Promise<number> {
  const engine = await createWebGpuEngine({ device, variant });
  const built = device.pipelines.built;
  const model = await loadCausalLM(await openModelDirectory(goldenPath("models", name)), {
    engine,
    ...options,
  });
  await model.warmup({ batch_size: 2 });
  const sizes = { batch: 2, rows: 2, capacity: 128 };
  const selection = standardSelection(false);
  // Nothing is run: on a device that computes nothing no text would ever end.
  await model.runtime.compile({ kind: "logits", ...sizes, length: 8 });
  await model.runtime.compile({
    kind: "verify",
    ...sizes,
    length: 5,
    drafts: "certain",
    selection,
    eosCount: 1,
  });
  await model.dispose();
  engine.dispose();
  expect(device.fault()).toBeUndefined();
  return device.pipelines.built - built;
}

test("the null backend has the features that the software adapter lacks", () => {
  expect(device.facts.features).toEqual(expect.arrayContaining(["shader-f16", "subgroups"]));
});

test.each(Object.keys(VARIANTS))("every family: %s", async (how) => {
  let built = 0;
  for (const name of FAMILIES) built += await compiles(name, VARIANTS[how]!, {});
  expect(built).toBeGreaterThan(50);
});

test.each(["bfloat16", "float16", "q8", "q4"] as const)(
  "weights stored as %s, in every variant",
  async (dtype) => {
    for (const variant of Object.values(VARIANTS)) await compiles("llama", variant, { dtype });
  },
);

test.each(["float16", "int8"] as const)("caches of %s, in every variant", async (cache_dtype) => {
  for (const variant of Object.values(VARIANTS)) await compiles("gemma2", variant, { cache_dtype });
});
