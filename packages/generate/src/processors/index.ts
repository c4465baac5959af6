import { minP } from "./min_p.ts";
import type { Processor } from "./processor.ts";
import { repetitionPenalty } from "./repetition_penalty.ts";
import { temperature } from "./temperature.ts";
import { topK } from "./top_k.ts";
import { topP } from "./top_p.ts";

/** All processors, in the order in which Hugging Face's generate() applies them. */
export const PROCESSORS: readonly Processor[] = [repetitionPenalty, temperature, topK, topP, minP];
