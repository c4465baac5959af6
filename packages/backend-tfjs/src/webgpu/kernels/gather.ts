import { sizeOf } from "@fusewire/ir";
import { mapLaunch } from "../wgsl/map.ts";
import { loadExpression } from "../wgsl/storage.ts";
import type { Kernel } from "./kernel.ts";

/** Rows by index; an index outside reads the nearest row. Of a part of them, only what it holds is filled in. */
export const gatherKernel: Kernel<"gather"> = (step) => ({
  launches: [
    mapLaunch(step, (shader) => {
      const [source, indices] = step.reads;
      const { batch } = step.attrs;
      const { part } = source!;
      const x = shader.read(0, source!);
      const index = shader.read(1, indices!);
      const row = shader.size(sizeOf(source!.shape.slice(batch + 1)));
      const n = shader.size(source!.shape[batch]!);
      const perBatch = shader.size(sizeOf(indices!.shape.slice(batch)));
      const [first, of] = part ? [shader.size(part.first), shader.size(part.of)] : ["0u", n];
      const others = `  if (k >= ${n}) { return ${loadExpression(step.write.dtype, "y", "i")}; }\n`;
      return `  let entry = i / ${row};
  let k = u32(clamp(${index.at("entry")}, 0, i32(${of}) - 1)) - ${first};
${part ? others : ""}  let p = (entry / ${perBatch} * ${n} + k) * ${row} + i % ${row};
  return ${x.at("p")};`;
    }),
  ],
});
