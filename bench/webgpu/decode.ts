/**
 * Decoding a model on the WebGPU engine: tokens a second cold and warm, launches and submits a token, and the weight
 * bytes read a second beside what copying reaches on the same device.
 *
 *   tsx bench/webgpu/decode.ts <model folder> [tokens] [dtype]
 */
import { createWebGpuEngine, type OpenDevice } from "@fusewire/backend-tfjs";
import { loadCausalLM, type WeightDType } from "@fusewire/generate";
import { openModelDirectory } from "@fusewire/models/node";
import { median, report } from "./report.ts";

const [folder, tokens = "32", dtype = "auto"] = process.argv.slice(2);
if (!folder) throw new Error("give a folder with a model");

const engine = await createWebGpuEngine();
const { facts } = engine.device;
if (facts.software)
  console.log("a software adapter: never ran on a GPU; speeds mean nothing beyond this machine");
const model = await loadCausalLM(await openModelDirectory(folder), { engine, dtype: dtype as WeightDType });
const prompt = Array.from({ length: 32 }, (_, k) => 5 + ((k * 37) % 300));
const options = { max_new_tokens: Number(tokens), eos_token_id: [] };
const from = performance.now();
await model.generate({ input_ids: [prompt] }, { ...options, max_new_tokens: 1 });
const cold = performance.now() - from;
const runs = [];
for (let round = 0; round < 3; round++)
  runs.push((await model.generate({ input_ids: [prompt] }, options)).stats);
const perSecond = median(runs.map((stats) => stats.tokens_per_second));
report("decode", {
  adapter: `${facts.vendor} ${facts.architecture}`,
  software: facts.software,
  cold_first_token_ms: cold,
  tokens_per_second: perSecond,
  launches_per_token: runs[0]!.launches / Number(tokens),
  submits_per_token: runs[0]!.submits / Number(tokens),
  bytes_held: engine.held().bytes,
  gb_per_second: (perSecond * engine.held().bytes) / 1e9,
  copy_gb_per_second: await copyBandwidth(engine.device),
  pipelines: engine.counts().pipelines,
});
await model.dispose();
engine.dispose();

/** Bytes read and written a second by copying from buffer to buffer. */
async function copyBandwidth({ device }: OpenDevice): Promise<number> {
  const size = 1 << 26;
  const buffers = [0, 1].map(() => device.createBuffer({ size, usage: 140 }));
  const copies = 8;
  const rates: number[] = [];
  for (let round = 0; round < 4; round++) {
    await device.queue.onSubmittedWorkDone();
    const begin = performance.now();
    const encoder = device.createCommandEncoder();
    for (let k = 0; k < copies; k++)
      encoder.copyBufferToBuffer(buffers[k % 2]!, 0, buffers[(k + 1) % 2]!, 0, size);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    rates.push((2 * copies * size) / (performance.now() - begin) / 1e6);
  }
  for (const buffer of buffers) buffer.destroy();
  return Math.max(...rates);
}
