import { createShader, elementsOf, GROUP_NUMBER, gridOf } from "../wgsl/shader.ts";
import type { Kernel } from "./kernel.ts";

/**
 * Each element counts how many come before it, which is where its index goes. Cost grows with the square of the line;
 * what sorts whole vocabularies has kernels of its own (top_k, top_p).
 */
export const argsortKernel: Kernel<"argsort"> = ({ reads, write, attrs: { descending } }) => {
  const shader = createShader();
  const x = shader.read(0, reads[0]!);
  shader.bind({ kind: "write" }, "read_write", "y", "array<i32>");
  const n = shader.size(write.shape.at(-1)!);
  const total = shader.size(elementsOf(write));
  const before = descending ? "b > a" : "b < a";
  const body = `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i >= ${total}) { return; }
  let begin = i / ${n} * ${n};
  let own = i - begin;
  let a = ${x.at("i")};
  var rank = 0u;
  for (var k = 0u; k < ${n}; k++) {
    let b = ${x.at("begin + k")};
    if (${before} || (b == a && k < own)) { rank++; }
  }
  y[begin + rank] = i32(own);`;
  return {
    launches: [shader.launch({ workgroup: 64, groups: gridOf(Math.ceil(elementsOf(write) / 64)), body })],
  };
};
