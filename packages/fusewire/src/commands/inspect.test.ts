import { loadCausalLM, type WeightDType } from "@fusewire/generate";
import { parseModule, printModule } from "@fusewire/ir";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { expect, test } from "vitest";
import { createEngine } from "../devices.ts";
import { countBytes, inspectModel } from "../inspect/inspect.ts";
import { fusewire, goldenModel } from "../testing/run.ts";

const LLAMA = goldenModel("llama");
const MODEL = ["inspect", "--model", LLAMA];

interface Json {
  readonly entry: string;
  readonly passes: { readonly pass: string; readonly nodes: number }[];
  readonly graph?: string;
  readonly program?: { readonly steps: unknown[] };
  readonly launches: Record<"before" | "after", { readonly total: number; readonly layers: number[] }>;
  readonly bytes: Record<"weights" | "states" | "scratch", number>;
}

async function inspect(...flags: readonly string[]): Promise<Json> {
  const { code, stdout, stderr } = await fusewire(...MODEL, ...flags, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Json;
}

test("lists the passes with nodes, then launches and bytes, within 40 columns", async () => {
  const { code, stdout } = await fusewire(...MODEL);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^decode .*\n\nafter +nodes\ntrace +\d+\ncanonicalise +\d+\n/);
  expect(stdout).toMatch(/launches +traced +after\n {2}whole program +\d+ +\d+\n {2}per decoder layer/);
  expect(stdout).toMatch(/bytes *\n {2}weights .*B\n {2}states .*B\n {2}scratch .*B\n$/);
  for (const line of stdout.split("\n").slice(2)) expect(line.length).toBeLessThanOrEqual(40);
});

test("the passes save launches in every layer", async () => {
  const { launches, bytes, passes } = await inspect();
  expect(launches.before.layers).toHaveLength(2);
  expect(launches.after.layers).toHaveLength(2);
  for (const [layer, after] of launches.after.layers.entries())
    expect(after).toBeLessThan(launches.before.layers[layer]! / 3);
  expect(launches.after.total).toBeLessThan(launches.before.total);
  expect(bytes.weights).toBeGreaterThanOrEqual(117_056 * 4);
  expect(passes[0]!.pass).toBe("trace");
  expect(new Set(passes.map(({ pass }) => pass)).size).toBe(passes.length);
});

test("--after prints the graph after that pass, which reads back to itself", async () => {
  const { graph } = await inspect("--after", "fuse_attention");
  expect(graph).toContain(" = attention ");
  expect(printModule(parseModule(graph!))).toBe(graph);
  expect((await inspect("--after", "trace")).graph).not.toContain(" = attention ");
  const { stdout } = await fusewire(...MODEL, "--after", "fuse_attention");
  expect(stdout.startsWith(graph!)).toBe(true);
});

test("--disable leaves passes out", async () => {
  const without = await inspect("--disable", "fuse_attention,fuse_qkv");
  expect(without.passes.map(({ pass }) => pass)).not.toContain("fuse_attention");
  expect(without.launches.after.total).toBeGreaterThan((await inspect()).launches.after.total);
});

test("--program prints the planned program", async () => {
  const { program, launches } = await inspect("--program");
  expect(program?.steps).toHaveLength(launches.after.total);
  const { stdout } = await fusewire(...MODEL, "--program");
  expect(stdout).toMatch(/^program decode .*: \d+ launches\n/);
});

test.each([
  [["--entry", "prefill", "--length", "5"], "prefill length=8 batch=1 rows=1 capacity=128"],
  [["--entry", "logits", "--length", "64", "--batch", "3"], "logits length=64 batch=4 rows=4 capacity=128"],
  [["--entry", "begin"], "begin batch=1 rows=1 capacity=128"],
  [["--batch", "2"], "decode selection=greedy eos=8 batch=2 rows=2 capacity=128"],
])("%j is the program that generate() compiles", async (flags, entry) => {
  expect((await inspect(...flags)).entry).toBe(entry);
});

test.each([
  [["--after", "fuse_all"], "--after: there is no pass 'fuse_all'; choose one of trace, canonicalise"],
  [["--disable", "legalise"], "'legalise' is not an optional pass; those are canonicalise"],
  [["--length", "500"], "500 tokens are more than the 128 positions of the model"],
])("%j is refused", async (flags, message) => {
  const { code, stderr } = await fusewire(...MODEL, ...flags);
  expect(stderr).toContain(message);
  expect(code).toBe(1);
});

test("reads no weights", async () => {
  const files = await openModelDirectory(LLAMA);
  const read = new Map<string, number>();
  await inspectModel({
    ...files,
    async open(name) {
      const source = await files.open(name);
      return (
        source && {
          ...source,
          read(offset, length) {
            read.set(name, (read.get(name) ?? 0) + length);
            return source.read(offset, length);
          },
        }
      );
    },
  });
  expect(read.get("model.safetensors")).toBeLessThan(8_000);
});

/** Bytes of weights as planned, and all that an engine holds after loading. */
async function bytesOf(device: string, dtype: WeightDType) {
  const files = await openModelDirectory(embeddedModel("tales"));
  const planned = countBytes((await inspectModel(files, { dtype })).after).weights;
  const { engine } = await createEngine(device);
  const model = await loadCausalLM(files, { engine, owns_engine: true, dtype });
  await model.load();
  const held = engine.held().bytes;
  await model.dispose();
  return { planned, held };
}

// With 8 bits wasm keeps a sum of 16 bits a group as well, which the plan leaves out.
test.each<[device: string, ...dtypes: WeightDType[]]>([
  ["wasm", "float16", "q4", { bits: 4, group: 64 }],
  ["webgpu", "q8", "q4"],
])("on %s weights of few bits save the bytes that the plan says, within 1 %%", async (device, ...dtypes) => {
  // Differences, for programs are held beside weights.
  const wide = await bytesOf(device, "float32");
  for (const dtype of dtypes) {
    const narrow = await bytesOf(device, dtype);
    const [saved, expected] = [wide.held - narrow.held, wide.planned - narrow.planned];
    expect(Math.abs(saved - expected)).toBeLessThan(0.01 * narrow.planned);
  }
});
