/** Attention alone: a chunk of queries over caches of growing length, by the kernel and written out as products. */
import { createWebGpuEngine, openDevice } from "@fusewire/backend-tfjs";
import { attention, constant, type Tracer, tensorType, trace } from "@fusewire/ir";
import { type Engine, lower } from "@fusewire/passes";
import { median } from "../statistics.ts";
import type { BenchOptions } from "./options.ts";
import { type Figures, machine, type Report } from "./report.ts";

const [HEADS, GROUPS, WIDTH] = [9, 3, 64];
const LENGTHS = [64, 256, 1024];
const CHUNK = 64;

export async function attentionBench({ rounds }: BenchOptions): Promise<Report> {
  const device = await openDevice();
  const engine = await createWebGpuEngine({ device });
  // Without a claim to the op it is expanded into products and softmax.
  const written: Engine = { ...engine, claims: (op) => op !== "attention" && engine.claims(op) };
  const figures: Record<string, Figures> = {};
  for (const length of LENGTHS)
    for (const queries of [1, CHUNK]) {
      const runs = await Promise.all([engine, written].map((one) => prepare(one, length, queries)));
      const cold: number[] = [];
      for (const run of runs) cold.push(await timed(run.once));
      const times: number[][] = [];
      for (let round = 0; round < rounds; round++) {
        const row: number[] = [];
        for (const run of runs) row.push(await timed(run.once));
        times.push(row);
      }
      figures[`${queries === 1 ? "1 query" : `${queries} queries`} over ${length} keys`] = {
        kernel_ms: median(times.map(([kernel]) => kernel!)),
        products_ms: median(times.map(([, products]) => products!)),
        times_products: median(times.map(([kernel, products]) => products! / kernel!)),
        kernel_cold_ms: cold[0]!,
        products_cold_ms: cold[1]!,
        kernel_launches: runs[0]!.launches,
        products_launches: runs[1]!.launches,
      };
      for (const run of runs) run.dispose();
    }
  engine.dispose();
  device.dispose();
  return {
    bench: "attention",
    shown: ["times_products", "times as fast as products and softmax, median"],
    about: { ...machine(device), heads: HEADS, key_heads: GROUPS, width: WIDTH, rounds },
    contestants: figures,
  };
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return performance.now() - start;
}

async function prepare(engine: Engine, length: number, queries: number) {
  const build = (t: Tracer) => {
    const f32 = (name: string, ...shape: number[]) => t.input(name, tensorType("f32", shape));
    const numbers = (of: (k: number) => number, shape: readonly number[]) =>
      constant(
        t.table,
        Array.from({ length: queries }, (_, k) => of(k)),
        "i32",
        shape,
      );
    const row = constant(t.table, [0], "i32", [1]);
    const [lo, hi] = [numbers(() => 0, [1, queries]), numbers((k) => length - queries + k, [1, queries])];
    const caches = [f32("keys", 1, GROUPS, length, WIDTH), f32("values", 1, GROUPS, length, WIDTH)] as const;
    return attention(f32("q", 1, HEADS, queries, WIDTH), ...caches, row, lo, hi, { scale: WIDTH ** -0.5 });
  };
  const module = trace({ attention: (t) => ({ y: build(t) }) });
  const weights = engine.createWeights(() => Promise.reject(new Error("there are no weights")));
  const states = engine.createStates([]);
  const rows = queries === 1 ? "few" : "chunk";
  const executable = await engine.compile(lower(module, engine, { rows }), weights);
  const inputs = new Map(
    module.entries[0]!.inputs.map(({ name, type }) => {
      const data = new Float32Array(type.shape.reduce((product, size) => product * size, 1));
      return [name, { type, data: data.map((_, k) => Math.sin(k)) }] as const;
    }),
  );
  return {
    launches: executable.launches,
    once: () => engine.run(executable, states, inputs),
    dispose() {
      for (const part of [executable, states, weights]) part.dispose();
    },
  };
}
