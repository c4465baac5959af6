/** What fewer bits cost: the loss on a text that the model was not trained on. */
import { createWasmEngine } from "@fusewire/backend-wasm";
import { type CacheDTypeName, type CausalLM, loadCausalLM, type WeightDType } from "@fusewire/generate";
import { floats } from "@fusewire/ir";
import { loadTokenizer } from "@fusewire/models";
import { openModelDirectory } from "@fusewire/models/node";

/** Tokens that are read together; each window begins anew. */
const WINDOW = 512;
/** More than any tokenizer takes on average. */
const CHARACTERS_PER_TOKEN = 16;

export interface QualityCase {
  readonly name: string;
  readonly dtype: WeightDType;
  readonly cache_dtype: CacheDTypeName;
  /** Nats a token that it may cost over the first case. */
  readonly limit: number;
}

/** The first is what the others are compared with. */
export const QUALITY_CASES: readonly QualityCase[] = [
  { name: "float32", dtype: "float32", cache_dtype: "float32", limit: 0 },
  { name: "bfloat16", dtype: "bfloat16", cache_dtype: "float32", limit: 0.002 },
  { name: "float16", dtype: "float16", cache_dtype: "float32", limit: 0.0002 },
  { name: "q8", dtype: "q8", cache_dtype: "float32", limit: 0.003 },
  { name: "q4", dtype: "q4", cache_dtype: "float32", limit: 0.04 },
  { name: "cache float16", dtype: "float32", cache_dtype: "float16", limit: 0.0002 },
  { name: "cache int8", dtype: "float32", cache_dtype: "int8", limit: 0.002 },
  { name: "q8, cache int8", dtype: "q8", cache_dtype: "int8", limit: 0.005 },
];

/** Nats a token that the model needs for all but the first token of each window. ids: at least windows · WINDOW of them. */
async function heldOutLoss(model: CausalLM, ids: readonly number[], windows: number): Promise<number> {
  let sum = 0;
  for (let w = 0; w < windows; w++) {
    const row = ids.slice(w * WINDOW, (w + 1) * WINDOW);
    const { logits } = await model.forward({ input_ids: [row] });
    const vocabulary = logits.type.shape[2]!;
    for (const [t, next] of row.slice(1).entries())
      sum += surprise(floats(logits).subarray(t * vocabulary, (t + 1) * vocabulary), next);
  }
  return sum / (windows * (WINDOW - 1));
}

/** -log softmax(scores)[id]; plain loops, for it sees every score of a text. */
function surprise(scores: Float32Array, id: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (const score of scores) if (score > max) max = score;
  let total = 0;
  for (const score of scores) total += Math.exp(score - max);
  return Math.log(total) + max - scores[id]!;
}

export interface QualityRow {
  readonly name: string;
  readonly nats_per_token: number;
  /** Over the first case. */
  readonly added: number;
  readonly limit: number;
}

/** The cases on the CPU, over `windows` windows of the text. directory: the model's. */
export async function measureQuality(
  directory: string,
  text: string,
  windows: number,
  cases: readonly QualityCase[] = QUALITY_CASES,
): Promise<readonly QualityRow[]> {
  const files = await openModelDirectory(directory);
  const ids = (await loadTokenizer(files)).encode(text.slice(0, windows * WINDOW * CHARACTERS_PER_TOKEN));
  if (ids.length < windows * WINDOW)
    throw new Error(`the text has ${ids.length} tokens, which are no ${windows} windows of ${WINDOW}`);
  const rows: QualityRow[] = [];
  for (const { name, limit, dtype, cache_dtype } of cases) {
    const engine = await createWasmEngine();
    const model = await loadCausalLM(files, { engine, dtype, cache_dtype });
    const nats = await heldOutLoss(model, ids, windows).finally(async () => {
      await model.dispose();
      engine.dispose();
    });
    rows.push({ name, nats_per_token: nats, added: nats - (rows[0]?.nats_per_token ?? nats), limit });
  }
  return rows;
}
