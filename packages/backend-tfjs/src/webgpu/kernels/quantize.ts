/** Rows as small integers with a scale for each group, bit for bit as the op table has them. */

import { FusewireError, type Layout, limits, type OpAttrs } from "@fusewire/ir";
import { declareDivide } from "../wgsl/integers.ts";
import type { Launch, Step } from "../wgsl/launch.ts";
import { mapLaunch } from "../wgsl/map.ts";
import { createShader, elementsOf, GROUP_NUMBER, gridOf, type Shader } from "../wgsl/shader.ts";
import type { Kernel } from "./kernel.ts";

/** Adds `fn scale_of(largest)` and `fn code(x, scale)`. */
function declareCodes(shader: Shader, layout: Layout): void {
  const [low, high] = limits(layout);
  declareDivide(shader);
  shader.declare(`fn scale_of(largest: f32) -> f32 { return divide(largest, ${high}.0); }`);
  // `round` takes halves to even.
  shader.declare(`fn code(x: f32, scale: f32) -> i32 {
  if (scale == 0.0) { return 0; }
  return i32(clamp(round(divide(x, scale)), ${low}.0, ${high}.0));
}`);
}

export const groupScalesKernel: Kernel<"group_scales"> = (step) => ({
  launches: [
    mapLaunch(step, (shader) => {
      const {
        layout,
        layout: { group },
        search,
      } = step.attrs;
      if (search) throw new FusewireError("scales are searched for while loading; leave hoist_prepare on");
      declareCodes(shader, layout);
      const x = shader.read(0, step.reads[0]!);
      return `  var largest = 0.0;
  for (var k = 0u; k < ${group}u; k++) { largest = max(largest, abs(${x.at(`i * ${group}u + k`)})); }
  return scale_of(largest);`;
    }),
  ],
});

export const quantizeRowsKernel: Kernel<"quantize_rows"> = (step) => ({
  launches: [
    mapLaunch(step, (shader) => {
      const { layout } = step.attrs;
      declareCodes(shader, layout);
      const [x, scales] = step.reads.map((type, k) => shader.read(k, type));
      return `  return code(${x!.at("i")}, ${scales!.at(`i / ${layout.group}u`)});`;
    }),
  ],
});

export const dequantizeKernel: Kernel<"dequantize"> = (step) => ({
  launches: [
    mapLaunch(step, (shader) => {
      const [codes, scales, zeros] = step.reads.map((type, k) => shader.read(k, type));
      const group = `i / ${step.attrs.layout.group}u`;
      const code = zeros ? `(${codes!.at("i")} - ${zeros.at(group)})` : codes!.at("i");
      return `  return f32(${code}) * ${scales!.at(group)};`;
    }),
  ],
});

/**
 * Scales and codes of the same rows in one launch, a thread a group of a multiple of 4. The reads are x and the scales,
 * which are written as well.
 */
export function quantizeBoth({ reads, attrs }: Step<OpAttrs["quantize_rows"]>): Launch {
  const { layout } = attrs;
  const { group } = layout;
  const shader = createShader();
  declareCodes(shader, layout);
  const x = shader.read(0, reads[0]!);
  shader.bind({ kind: "read", index: 1 }, "read_write", "scales", "array<f32>");
  shader.bind({ kind: "write" }, "read_write", "y", "array<u32>");
  const groups = elementsOf(reads[1]!);
  const body = `  let g = ${GROUP_NUMBER} * 64u + lane;
  if (g >= ${shader.size(groups)}) { return; }
  var largest = 0.0;
  for (var k = 0u; k < ${group}u; k++) { largest = max(largest, abs(${x.at(`g * ${group}u + k`)})); }
  let scale = scale_of(largest);
  scales[g] = scale;
  for (var w = 0u; w < ${group / 4}u; w++) {
    var word = 0u;
    for (var k = 0u; k < 4u; k++) {
      let value = ${x.at(`g * ${group}u + w * 4u + k`)};
      word |= (bitcast<u32>(code(value, scale)) & 255u) << (8u * k);
    }
    y[g * ${group / 4}u + w] = word;
  }`;
  return shader.launch({ workgroup: 64, groups: gridOf(Math.ceil(groups / 64)), body });
}
