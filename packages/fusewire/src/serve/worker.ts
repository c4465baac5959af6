/** The process in which a served model runs: it loads the model and opens its batch for the process that started it. */
import type { GenerationConfig, LoadProgress } from "@fusewire/generate";
import type { HubProgress } from "@fusewire/models";
import {
  type BatcherOptions,
  createBatcher,
  hostBatcher,
  type Order,
  type Report,
  type SentError,
  sendError,
} from "@fusewire/serve";
import { AutoModelForCausalLM } from "../auto.ts";
import { loadOptions, type ModelFlags, openModelFlag } from "../flags/model.ts";

/** What it is asked: first to load a model, then for texts. */
export type ServeOrder =
  | { readonly kind: "load"; readonly flags: ModelFlags; readonly batch: BatcherOptions }
  | { readonly kind: "batch"; readonly order: Order };

/** What it tells. */
export type ServeNews =
  | { readonly kind: "progress"; readonly event: HubProgress | LoadProgress }
  | { readonly kind: "loaded"; readonly device: string; readonly defaults: GenerationConfig }
  | { readonly kind: "failed"; readonly error: SentError }
  | { readonly kind: "batch"; readonly report: Report };

const tell = (news: ServeNews) => void process.send?.(news);

async function load(flags: ModelFlags, batch: BatcherOptions): Promise<void> {
  const report = (event: HubProgress | LoadProgress) => tell({ kind: "progress", event });
  const files = await openModelFlag(flags, { report, end: () => undefined });
  const model = await AutoModelForCausalLM.from_pretrained(files, {
    ...loadOptions(flags),
    progress_callback: report,
  });
  const batcher = await createBatcher(model, batch);
  model.runtime.programs.failOnRecompile(true);
  tell({ kind: "loaded", device: model.device, defaults: model.generation_config });
  hostBatcher(batcher, {
    send: (report) => tell({ kind: "batch", report }),
    onMessage: (listener) =>
      void process.on("message", (order: ServeOrder) => {
        if (order.kind === "batch") listener(order.order);
      }),
  });
}

process.on("message", (order: ServeOrder) => {
  if (order.kind !== "load") return;
  load(order.flags, order.batch).catch((error: unknown) => tell({ kind: "failed", error: sendError(error) }));
});
// Terminals and service managers send these to both processes; the one that started this says when it is to end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit());
