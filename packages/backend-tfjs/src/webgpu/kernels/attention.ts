import { attentionApart } from "./attention_apart.ts";
import { attentionSizes } from "./attention_frame.ts";
import { attentionPieces, linesThatFit } from "./attention_pieces.ts";
import type { Kernel } from "./kernel.ts";

export const attentionKernel: Kernel<"attention"> = (step, variant) =>
  variant.lanes === 1 || linesThatFit(attentionSizes(step.reads), variant) < 1
    ? attentionApart(step)
    : attentionPieces(step, variant);
