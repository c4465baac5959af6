import { sizeOf } from "@fusewire/ir";
import { createShader, GROUP_NUMBER, gridOf } from "../wgsl/shader.ts";
import { perWord, wordType } from "../wgsl/storage.ts";
import type { Kernel } from "./kernel.ts";

/** Writes values into the slots of a cache, in place: a thread an element of the values. */
export const cacheWriteKernel: Kernel<"cache_write"> = ({ reads, attrs: { axis, ring } }) => {
  const [cache, rows, at, count, values] = reads;
  const { dtype } = cache!;
  const shader = createShader();
  const lanes = perWord(dtype);
  const index = [rows, at, count].map((type, k) => shader.read(k + 1, type!));
  // Moved as words, so that no bit changes on the way.
  shader.bind({ kind: "read", index: 4 }, "read", "x4", `array<${lanes === 1 ? wordType(dtype) : "u32"}>`);
  // Elements that share a word may be written by two threads: each changes its own bits alone.
  const words = lanes === 1 ? wordType(dtype) : "atomic<u32>";
  shader.bind({ kind: "write" }, "read_write", "y", `array<${words}>`);
  const [inner, n, perRow, slots, cacheRows] = [
    sizeOf(values!.shape.slice(axis + 1)),
    values!.shape[axis]!,
    sizeOf(values!.shape.slice(1, axis)),
    cache!.shape[axis]!,
    cache!.shape[0]!,
  ].map((value) => shader.size(value));
  const total = sizeOf(values!.shape);
  const elements = shader.size(total);
  const bits = 32 / lanes;
  const store =
    lanes === 1
      ? "y[to] = x4[i];"
      : `let value = extractBits(x4[i / ${lanes}u], (i % ${lanes}u) * ${bits}u, ${bits}u);
  let shift = (to % ${lanes}u) * ${bits}u;
  atomicAnd(&y[to / ${lanes}u], ~(${2 ** bits - 1}u << shift));
  atomicOr(&y[to / ${lanes}u], value << shift);`;
  const body = `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i >= ${elements}) { return; }
  let t = i / ${inner} % ${n};
  let outer = i / ${inner} / ${n};
  let b = outer / ${perRow};
  let row = ${index[0]!.at("b")};
  let entry = ${index[1]!.at("b")} + i32(t);
  if (i32(t) >= ${index[2]!.at("b")} || row < 0 || row >= i32(${cacheRows}) || entry < 0) { return; }
  ${ring ? `let slot = u32(entry) % ${slots};` : `let slot = u32(entry);\n  if (slot >= ${slots}) { return; }`}
  let to = ((u32(row) * ${perRow} + outer % ${perRow}) * ${slots} + slot) * ${inner} + i % ${inner};
  ${store}`;
  return { launches: [shader.launch({ workgroup: 64, groups: gridOf(Math.ceil(total / 64)), body })] };
};
