import { mapLaunch } from "../wgsl/map.ts";
import type { Kernel } from "./kernel.ts";

export const occursKernel: Kernel<"occurs"> = (step) => ({
  launches: [
    mapLaunch(step, (shader) => {
      const [ids, lengths] = step.reads.map((type, k) => shader.read(k, type));
      const size = shader.size(step.attrs.size);
      const n = shader.size(step.reads[0]!.shape[1]!);
      return `  let row = i / ${size};
  let id = i32(i % ${size});
  let count = u32(clamp(${lengths!.at("row")}, 0, i32(${n})));
  for (var j = 0u; j < count; j++) { if (${ids!.at(`row * ${n} + j`)} == id) { return true; } }
  return false;`;
    }),
  ],
});
