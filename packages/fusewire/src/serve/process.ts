import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { GenerationConfig } from "@fusewire/generate";
import { type Batcher, type BatcherOptions, receiveError, remoteBatcher } from "@fusewire/serve";
import type { ModelFlags } from "../flags/model.ts";
import type { Progress } from "../text/progress.ts";
import type { ServeNews, ServeOrder } from "./worker.ts";

/** A model in a process of its own, and its batch. */
export interface ServingProcess {
  readonly batcher: Batcher;
  readonly device: string;
  /** The checkpoint's own settings. */
  readonly defaults: GenerationConfig;
  /** Resolves with the reason once the process has ended by itself. */
  readonly gone: Promise<Error>;
}

/**
 * Loads a model in a process of its own: this one goes on answering while a step of the model is computed, and outlives
 * a crash. Rejected where the model does not load, or the process ends before it has.
 */
export async function startServing(
  flags: ModelFlags,
  batch: BatcherOptions,
  progress: Pick<Progress, "report">,
): Promise<ServingProcess> {
  const child = fork(fileURLToPath(import.meta.resolve("#serve-worker")), { serialization: "advanced" });
  const gone = new Promise<Error>((resolve) => {
    child.on("error", resolve);
    child.on("exit", (code, signal) =>
      resolve(new Error(`the model's process ended with ${signal ?? `code ${code}`}`)),
    );
  });
  const send = (order: ServeOrder) => void (child.connected && child.send(order));
  const onNews = (listener: (news: ServeNews) => void) => void child.on("message", listener);
  const loaded = new Promise<Pick<ServingProcess, "device" | "defaults">>((resolve, reject) => {
    onNews((news) => {
      if (news.kind === "progress") progress.report(news.event);
      if (news.kind === "loaded") resolve(news);
      if (news.kind === "failed") reject(receiveError(news.error));
    });
  });
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  const opening = remoteBatcher({
    port: {
      send: (order) => send({ kind: "batch", order }),
      onMessage: (listener) =>
        onNews((news) => {
          if (news.kind === "batch") listener(news.report);
        }),
    },
    close,
    gone,
  });
  send({ kind: "load", flags, batch });
  try {
    const [{ device, defaults }, batcher] = await Promise.all([loaded, opening]);
    return { batcher, device, defaults, gone };
  } catch (error) {
    await close();
    throw error;
  }
}
