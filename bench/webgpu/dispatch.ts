/**
 * What JavaScript pays for a launch: a recorded program replayed against the same ops called on tfjs's WebGPU backend,
 * turn by turn on one device. On Dawn's null backend, which does nothing, so that the host's part alone is measured.
 */
import { createWebGpuEngine, openDevice } from "@fusewire/backend-tfjs";
import { shareWithTfjs } from "@fusewire/backend-tfjs/tfjs";
import { add, tensorType, trace } from "@fusewire/ir";
import { toLowered } from "@fusewire/passes";
import * as tf from "@tensorflow/tfjs-core";
import { globals } from "webgpu";
import { median } from "../statistics.ts";
import type { BenchOptions } from "./options.ts";
import { machine, type Report } from "./report.ts";

/** Rounds are of milliseconds, and many: a busy machine slows some of them. */
const ROUNDS = 60;
const WARM_FROM = 15;

export async function dispatch({ launches, rounds: asked }: BenchOptions): Promise<Report> {
  const rounds = Math.max(asked, ROUNDS);
  const device = await openDevice({ dawn: ["backend=null"] });
  const engine = await createWebGpuEngine({ device });
  const type = tensorType("f32", [64]);
  const module = trace({
    chain: (t) => {
      const step = t.input("step", type);
      let sum = t.state("sum", type);
      for (let k = 0; k < launches; k++) sum = add(sum, step);
      t.write("sum", sum);
      return {};
    },
  });
  const value = { type, data: new Float32Array(64).fill(1) };
  const weights = engine.createWeights(async () => value);
  const executable = await engine.compile(toLowered(module), weights);
  const states = engine.createStates(module.states);
  const inputs = new Map([["step", value]]);

  const shared = await shareWithTfjs(device, globals as Record<string, unknown>);
  const [x, y] = [tf.keep(tf.ones([64])), tf.keep(tf.ones([64]))];
  shared.bufferOf(x);
  shared.bufferOf(y);

  const times: { readonly replay: number; readonly tfjs: number }[] = [];
  for (let round = 0; round < rounds + WARM_FROM; round++) {
    let start = performance.now();
    await engine.run(executable, states, inputs);
    const replay = ((performance.now() - start) * 1000) / executable.launches;
    start = performance.now();
    const sum = tf.tidy(() => {
      let chain: tf.Tensor = x;
      for (let k = 0; k < launches; k++) chain = tf.add(chain, y);
      return chain;
    });
    shared.flush();
    times.push({ replay, tfjs: ((performance.now() - start) * 1000) / launches });
    sum.dispose();
  }
  const warm = times.slice(WARM_FROM);
  const of = (name: "replay" | "tfjs") => {
    const all = warm.map((round) => round[name]);
    return {
      us_per_launch: median(all),
      us_per_launch_least: Math.min(...all),
      us_per_launch_cold: times[0]![name],
    };
  };
  const ratio = median(warm.map(({ replay, tfjs }) => tfjs / replay));
  const about = { ...machine(device, "Dawn's null backend"), launches: executable.launches, rounds };
  engine.dispose();
  return {
    bench: "dispatch",
    shown: ["us_per_launch", "microseconds of JavaScript a launch, median"],
    about: { ...about, tfjs_over_replay: ratio },
    contestants: { "tfjs, op by op": of("tfjs"), replay: of("replay") },
  };
}
