import type { BatchCounts, BatchLoad } from "../batch/batch.ts";
import { counter, gauge, histogram, type Labels } from "./text.ts";

/** What a server counts, under vLLM's names, which gateways and dashboards read. */
export interface Metrics {
  /** A text has ended. */
  ended(counts: BatchCounts, reason: string): void;
  /** A request was refused, or left by its client. */
  refused(reason: "overloaded" | "invalid" | "failed"): void;
  /** The text that Prometheus scrapes. */
  text(load: BatchLoad): string;
}

// Edges in seconds, as vLLM has them (vllm/v1/metrics/loggers.py).
const FIRST_TOKEN = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20,
];
const EACH_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const REQUEST = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60];

export function createMetrics(model: string): Metrics {
  const labels: Labels = { model_name: model };
  const promptTokens = counter("vllm:prompt_tokens_total", "Tokens of prompts.", labels);
  const newTokens = counter("vllm:generation_tokens_total", "Tokens made.", labels);
  const queries = counter(
    "vllm:prefix_cache_queries_total",
    "Tokens of prompts that were looked up in slots.",
    labels,
  );
  const hits = counter("vllm:prefix_cache_hits_total", "Those whose keys and values were there.", labels);
  const success = counter("vllm:request_success_total", "Answers that ended, by reason.", labels);
  const refusals = counter(
    "fusewire:requests_refused_total",
    "Requests that got no answer, by reason.",
    labels,
  );
  const first = histogram(
    "vllm:time_to_first_token_seconds",
    "From the request to its first token.",
    FIRST_TOKEN,
    labels,
  );
  const each = histogram(
    "vllm:inter_token_latency_seconds",
    "From one token to the next, on average of an answer.",
    EACH_TOKEN,
    labels,
  );
  const phases = (["queue", "prefill", "decode", "e2e"] as const).map((phase) => ({
    phase,
    seconds: histogram(
      phase === "e2e" ? "vllm:e2e_request_latency_seconds" : `vllm:request_${phase}_time_seconds`,
      `Seconds of a request's ${phase === "e2e" ? "whole life" : phase}.`,
      REQUEST,
      labels,
    ),
  }));
  return {
    ended({ prompt_tokens, cached_tokens, new_tokens, queue_ms, prefill_ms, decode_ms }, reason) {
      promptTokens.add(prompt_tokens);
      newTokens.add(new_tokens);
      queries.add(prompt_tokens);
      hits.add(cached_tokens);
      success.add(1, { finished_reason: reason });
      first.observe((queue_ms + prefill_ms) / 1000);
      if (new_tokens > 1) each.observe(decode_ms / 1000 / (new_tokens - 1));
      const times = {
        queue: queue_ms,
        prefill: prefill_ms,
        decode: decode_ms,
        e2e: queue_ms + prefill_ms + decode_ms,
      };
      for (const { phase, seconds } of phases) seconds.observe(times[phase] / 1000);
    },
    refused: (reason) => refusals.add(1, { reason }),
    text: ({ running, waiting, cache_usage, slots, compilations }) =>
      [
        gauge("vllm:num_requests_running", "Texts in slots.", running, labels),
        gauge("vllm:num_requests_waiting", "Texts that wait for a slot.", waiting, labels),
        gauge(
          "vllm:kv_cache_usage_perc",
          "Share of the slots' tokens that running texts hold, 0 to 1.",
          cache_usage,
          labels,
        ),
        gauge("fusewire:slots", "Texts that run at once.", slots, labels),
        gauge("fusewire:compilations_total", "Programs compiled so far.", compilations, labels),
        ...[promptTokens, newTokens, queries, hits, success, refusals, first, each].map((one) => one.text()),
        ...phases.map(({ seconds }) => seconds.text()),
      ].join(""),
  };
}
