import { sizeOf } from "@fusewire/ir";
import { createShader, GROUP_NUMBER, gridOf } from "../wgsl/shader.ts";
import type { Kernel } from "./kernel.ts";

/** Clears the result, then marks it from the ids: cost grows with the ids or the vocabulary, not with both at once. */
export const occursKernel: Kernel<"occurs"> = ({ reads, write, attrs }) => {
  const clear = createShader();
  clear.bind({ kind: "write" }, "read_write", "y", "array<u32>");
  const words = Math.ceil(sizeOf(write.shape) / 4);
  const cleared = clear.launch({
    workgroup: 64,
    groups: gridOf(Math.ceil(words / 64)),
    body: `  let word = ${GROUP_NUMBER} * 64u + lane;\n  if (word < ${clear.size(words)}) { y[word] = 0u; }`,
  });
  const shader = createShader();
  const [ids, lengths] = reads.map((type, k) => shader.read(k, type));
  // Elements of the result share words by fours, so that several threads may set bits of one.
  shader.bind({ kind: "write" }, "read_write", "y", "array<atomic<u32>>");
  const total = sizeOf(reads[0]!.shape);
  const [count, n, size] = [total, reads[0]!.shape[1]!, attrs.size].map((value) => shader.size(value));
  const marked = shader.launch({
    workgroup: 64,
    groups: gridOf(Math.ceil(total / 64)),
    body: `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i >= ${count}) { return; }
  let row = i / ${n};
  let id = ${ids!.at("i")};
  if (i32(i % ${n}) >= ${lengths!.at("row")} || id < 0 || id >= i32(${size})) { return; }
  let at = row * ${size} + u32(id);
  atomicOr(&y[at / 4u], 1u << (at % 4u * 8u));`,
  });
  return { launches: [cleared, marked] };
};
