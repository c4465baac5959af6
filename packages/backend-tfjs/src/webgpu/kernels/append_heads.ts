import { createShader, GROUP_NUMBER, gridOf } from "../wgsl/shader.ts";
import type { Kernel } from "./kernel.ts";

/** Columns of a projection into the cache, in place, turned by rotary or not: a thread an element. */
export const appendHeadsKernel: Kernel<"append_heads"> = ({ reads, attrs: { start, ring, rotary } }) => {
  const [cache, rows, at, count, x, ...angles] = reads;
  const [batch, length, width] = x!.shape as [number, number, number];
  const [cacheRows, groups, slots, d] = cache!.shape as [number, number, number, number];
  const shader = createShader();
  const [row, position, fresh, source, cos, sin] = [rows, at, count, x, ...angles].map((type, k) =>
    shader.read(k + 1, type!),
  );
  shader.bind({ kind: "write" }, "read_write", "y", "array<f32>");
  const [G, T, W, S, R, D, first] = [groups, length, width, slots, cacheRows, d, start].map((n) =>
    shader.size(n),
  );
  const total = shader.size(batch * groups * length * d);
  const half = shader.size(d / 2);
  const turned = rotary
    ? `  let low = k < ${half};
  let angle = (b * ${T} + t) * ${half} + k % ${half};
  let other = ${source!.at(`select(column - ${half}, column + ${half}, low)`)};
  let value = ${source!.at("column")} * ${cos!.at("angle")} + select(other, -other, low) * ${sin!.at("angle")};`
    : `  let value = ${source!.at("column")};`;
  const body = `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i >= ${total}) { return; }
  let k = i % ${D};
  let g = i / ${D} % ${G};
  let t = i / ${D} / ${G} % ${T};
  let b = i / ${D} / ${G} / ${T};
  let cache_row = ${row!.at("b")};
  let entry = ${position!.at("b")} + i32(t);
  if (i32(t) >= ${fresh!.at("b")} || cache_row < 0 || cache_row >= i32(${R}) || entry < 0) { return; }
  ${ring ? `let slot = u32(entry) % ${S};` : `let slot = u32(entry);\n  if (slot >= ${S}) { return; }`}
  let column = (b * ${T} + t) * ${W} + ${first} + g * ${D} + k;
${turned}
  y[((u32(cache_row) * ${G} + g) * ${S} + slot) * ${D} + k] = value;`;
  const groupsOf = gridOf(Math.ceil((batch * groups * length * d) / 64));
  return { launches: [shader.launch({ workgroup: 64, groups: groupsOf, body })] };
};
