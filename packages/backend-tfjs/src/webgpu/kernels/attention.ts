import { attentionApart } from "./attention_apart.ts";
import { attentionPieces } from "./attention_pieces.ts";
import type { Kernel } from "./kernel.ts";

export const attentionKernel: Kernel<"attention"> = (step, variant) =>
  variant.lanes === 1 ? attentionApart(step) : attentionPieces(step, variant);
