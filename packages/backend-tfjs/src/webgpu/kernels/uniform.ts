import { STREAMS, type Stream } from "@fusewire/ir";
import { mapLaunch } from "../wgsl/map.ts";
import type { Kernel } from "./kernel.ts";

/** The op's hash (O'Neill 2014; Jarzynski & Olano 2020), bit for bit: u32 arithmetic wraps as it does there. */
export const uniformKernel: Kernel<"uniform"> = (step) => ({
  launches: [
    mapLaunch(step, (shader) => {
      const [seed, position] = step.reads.map((type, k) => shader.read(k, type));
      const tag = STREAMS.indexOf(step.attrs.stream as Stream);
      shader.declare(`fn hash32(x: u32) -> u32 {
  let state = x * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}`);
      return `  let bits = hash32(hash32(hash32(${seed!.at("i")}) ^ bitcast<u32>(${position!.at("i")})) ^ ${tag}u);
  return f32(bits >> 8u) * ${2 ** -24};`;
    }),
  ],
});
