import type { GenerationStats } from "@fusewire/generate";
import { formatBytes, formatNumber, plural } from "./units.ts";

/** What a generation took, as a sentence. */
export function summarise(stats: GenerationStats): string {
  const cached = stats.cached_tokens > 0 ? `, ${stats.cached_tokens} of them cached,` : "";
  const facts = [
    `${plural(stats.prompt_tokens, "prompt token")}${cached} and ${stats.new_tokens} new`,
    `first after ${formatNumber(stats.time_to_first_token_ms)} ms`,
    `then ${formatNumber(stats.tokens_per_second)} a second`,
    plural(stats.launches, "launch", "launches"),
    plural(stats.compilations.length, "compilation"),
    `${formatBytes(stats.bytes)} held`,
    ...(stats.seed === undefined ? [] : [`seed ${stats.seed}`]),
  ];
  return `${stats.device}: ${facts.join(", ")}`;
}
