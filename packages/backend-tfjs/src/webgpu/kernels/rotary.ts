import { mapLaunch } from "../wgsl/map.ts";
import type { Kernel } from "./kernel.ts";

/** x[k] and x[k + D/2] of each head turned by the angle of their position. */
export const rotaryKernel: Kernel<"rotary"> = (step) => ({
  launches: [
    mapLaunch(step, (shader) => {
      const [x, cos, sin] = step.reads.map((type, k) => shader.read(k, type));
      const [, heads, length, d] = step.write.shape.map((size) => shader.size(size));
      const half = shader.size(step.write.shape[3]! / 2);
      return `  let k = i % ${d};
  let position = i / ${d};
  let angle = (position / ${length} / ${heads} * ${length} + position % ${length}) * ${half} + k % ${half};
  let low = k < ${half};
  let other = ${x!.at(`select(i - ${half}, i + ${half}, low)`)};
  return ${x!.at("i")} * ${cos!.at("angle")} + select(other, -other, low) * ${sin!.at("angle")};`;
    }),
  ],
});
