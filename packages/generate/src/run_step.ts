import type { Value } from "@fusewire/ir";
import type { Outputs } from "@fusewire/passes";
import type { EntryKey } from "./entries/index.ts";
import type { Job } from "./job.ts";
import { applyHosts, cutAtHosts } from "./processors/host.ts";

/** The programs that choose tokens from scores. */
export type ChoosingKey = Extract<EntryKey, { readonly kind: "decode" | "beam" }>;

/**
 * One step of decoding or beam search. Where processors in JavaScript are in use its scores are read back, changed
 * and handed in again, and the last program chooses as the whole one would have. `input_ids`: all tokens of the rows.
 */
export async function runStep(
  { plan, run }: Pick<Job, "plan" | "run">,
  key: ChoosingKey,
  inputs: Readonly<Record<string, Value>>,
  input_ids: readonly (readonly number[])[],
): Promise<Outputs> {
  const { hosts } = plan.options;
  if (hosts.length === 0) return run(key, inputs);
  const { batch, cache } = plan;
  const { stages, rest } = cutAtHosts(key.selection, hosts);
  let scores: Value | undefined;
  let logits: Value | undefined;
  for (const { selection, hosts } of stages) {
    if (!scores || selection.uses.length > 0) {
      const given = scores !== undefined;
      const normalised = key.kind === "beam" && !given;
      const outputs = await run(
        { kind: "process", batch, ...cache, selection, given, normalised },
        { ...inputs, ...(scores && { scores }) },
      );
      scores = outputs.get("scores")!;
      logits ??= outputs.get("logits");
    }
    scores = applyHosts(hosts, input_ids, scores);
  }
  const returns = key.returns ?? [];
  const outputs = await run(lastPart(key, rest), { ...inputs, scores: scores! });
  return returns.includes("logits") ? new Map([...outputs, ["logits", logits!]]) : outputs;
}

/** The program that chooses from given scores. What the model itself gave is not known to it. */
function lastPart(key: ChoosingKey, selection: ChoosingKey["selection"]): ChoosingKey {
  const changed = { selection, given: true } as const;
  return key.kind === "decode"
    ? { ...key, ...changed, returns: (key.returns ?? []).filter((name) => name !== "logits") }
    : { ...key, ...changed, returns: (key.returns ?? []).filter((name) => name !== "logits") };
}
