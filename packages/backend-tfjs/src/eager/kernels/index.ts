/** Every op that can run in tfjs. An op without a kernel runs on the host, by the op table's own evaluation. */
import type { Node } from "@fusewire/ir";
import type { AnyKernel, KernelTable } from "../kernel.ts";
import { argsortKernel } from "./argsort.ts";
import { attentionKernel } from "./attention.ts";
import { binaryKernels } from "./binary.ts";
import { cacheWriteKernel } from "./cache_write.ts";
import { castKernel } from "./cast.ts";
import { gatherKernel } from "./gather.ts";
import { matmulKernel } from "./matmul.ts";
import { movementKernels } from "./movement.ts";
import { normKernels } from "./norm.ts";
import { reduceKernels } from "./reduce.ts";
import { rotaryKernel } from "./rotary.ts";
import { softmaxKernel } from "./softmax.ts";
import { unaryKernels } from "./unary.ts";
import { whereKernel } from "./where.ts";

export const KERNELS: KernelTable = {
  ...unaryKernels,
  ...binaryKernels,
  where: whereKernel,
  cast: castKernel,
  ...reduceKernels,
  argsort: argsortKernel,
  ...movementKernels,
  gather: gatherKernel,
  cache_write: cacheWriteKernel,
  matmul: matmulKernel,
  softmax: softmaxKernel,
  ...normKernels,
  rotary: rotaryKernel,
  attention: attentionKernel,
};

export const kernelOf = (node: Node): AnyKernel | undefined => KERNELS[node.op] as AnyKernel | undefined;
