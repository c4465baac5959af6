/**
 * What JavaScript pays for a launch: a recorded program replayed against the same ops called on tfjs's WebGPU backend,
 * turn by turn on one device. On Dawn's null backend, which does nothing, so that the host's part alone is measured.
 *
 *   tsx bench/webgpu/dispatch.ts [launches] [rounds]
 */
import { createWebGpuEngine, openDevice } from "@fusewire/backend-tfjs";
import { shareWithTfjs } from "@fusewire/backend-tfjs/tfjs";
import { add, tensorType, trace } from "@fusewire/ir";
import { toLowered } from "@fusewire/passes";
import * as tf from "@tensorflow/tfjs-core";
import { globals } from "webgpu";
import { median, report } from "./report.ts";

const launches = Number(process.argv[2] ?? 300);
const rounds = Number(process.argv[3] ?? 60);
const type = tensorType("f32", [64]);

const device = await openDevice({ dawn: ["backend=null"] });
const engine = await createWebGpuEngine({ device });
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
const executable = await engine.compile(
  toLowered(module),
  engine.createWeights(async () => value),
);
const states = engine.createStates(module.states);
const inputs = new Map([["step", value]]);

const shared = await shareWithTfjs(device, globals as Record<string, unknown>);
const [x, y] = [tf.keep(tf.ones([64])), tf.keep(tf.ones([64]))];
shared.bufferOf(x);
shared.bufferOf(y);

const times = { replay: [] as number[], tfjs: [] as number[] };
for (let round = 0; round < rounds; round++) {
  let from = performance.now();
  await engine.run(executable, states, inputs);
  times.replay.push(((performance.now() - from) * 1000) / executable.launches);
  from = performance.now();
  const sum = tf.tidy(() => {
    let chain: tf.Tensor = x;
    for (let k = 0; k < launches; k++) chain = tf.add(chain, y);
    return chain;
  });
  shared.flush();
  times.tfjs.push(((performance.now() - from) * 1000) / launches);
  sum.dispose();
}
const warm = (all: readonly number[]) => all.slice(Math.floor(rounds / 4));
const [replay, tfjs] = [median(warm(times.replay)), median(warm(times.tfjs))];
report("dispatch", {
  launches: executable.launches,
  replay_us_per_launch: replay,
  replay_us_per_launch_min: Math.min(...warm(times.replay)),
  tfjs_us_per_op: tfjs,
  tfjs_us_per_op_min: Math.min(...warm(times.tfjs)),
  tfjs_over_replay: tfjs / replay,
  replay_first_us_per_launch: times.replay[0]!,
});
process.exit();
