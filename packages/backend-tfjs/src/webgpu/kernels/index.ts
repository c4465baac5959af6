/** Every op that runs on the device. Ops without inputs are evaluated on the host once. */
import type { OpName } from "@fusewire/ir";
import type { Plan, Step } from "../wgsl/launch.ts";
import { appendHeadsKernel } from "./append_heads.ts";
import { argsortKernel } from "./argsort.ts";
import { attentionKernel } from "./attention.ts";
import { cacheWriteKernel } from "./cache_write.ts";
import { denseKernel, gatedLinearKernel, linearKernel } from "./dense.ts";
import { castKernel, elementwiseKernels, fusedElementwiseKernel } from "./elementwise.ts";
import { gatherKernel } from "./gather.ts";
import type { KernelTable, Variant } from "./kernel.ts";
import { matmulKernel } from "./matmul.ts";
import { broadcastToKernel, concatKernel, copyLaunch, sliceKernel, transposeKernel } from "./movement.ts";
import { layerNormKernel, rmsNormKernel, softmaxKernel } from "./norm.ts";
import { occursKernel } from "./occurs.ts";
import { dequantizeKernel, groupScalesKernel, quantizeRowsKernel } from "./quantize.ts";
import { quantizedMatmulKernel } from "./quantized_matmul.ts";
import { argmaxKernel, cumsumKernel, reduceMaxKernel, reduceSumKernel } from "./reduce.ts";
import { rotaryKernel } from "./rotary.ts";
import { categoricalKernel, topKKernel, topPKernel } from "./selection.ts";
import { uniformKernel } from "./uniform.ts";

export const KERNELS: KernelTable = {
  ...elementwiseKernels,
  cast: castKernel,
  fused_elementwise: fusedElementwiseKernel,
  reduce_sum: reduceSumKernel,
  reduce_max: reduceMaxKernel,
  argmax: argmaxKernel,
  cumsum: cumsumKernel,
  argsort: argsortKernel,
  transpose: transposeKernel,
  broadcast_to: broadcastToKernel,
  slice: sliceKernel,
  concat: concatKernel,
  gather: gatherKernel,
  cache_write: cacheWriteKernel,
  matmul: matmulKernel,
  occurs: occursKernel,
  uniform: uniformKernel,
  softmax: softmaxKernel,
  rms_norm: rmsNormKernel,
  layer_norm: layerNormKernel,
  rotary: rotaryKernel,
  attention: attentionKernel,
  linear: linearKernel,
  gated_linear: gatedLinearKernel,
  dense: denseKernel,
  group_scales: groupScalesKernel,
  quantize_rows: quantizeRowsKernel,
  dequantize: dequantizeKernel,
  quantized_matmul: quantizedMatmulKernel,
  append_heads: appendHeadsKernel,
  top_k: topKKernel,
  top_p: topPKernel,
  categorical: categoricalKernel,
};

/** The launches of one step of a program; `copy` is the planner's own. */
export function planStep(kernel: string, step: Step, variant: Variant): Plan {
  if (kernel === "copy") return { launches: [copyLaunch(step)] };
  const write = KERNELS[kernel as OpName] as ((step: Step, variant: Variant) => Plan) | undefined;
  if (!write) throw new Error(`there is no WebGPU kernel for ${kernel}`);
  return write(step, variant);
}
