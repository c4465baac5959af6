import { Restarted } from "../errors.ts";
import { type Io, widthOf } from "../io.ts";
import { wrap } from "../text/wrap.ts";
import type { ModelFlags } from "./model.ts";

/**
 * Where `--device webgpu` finds no adapter, runs the command in a process with a software adapter, if the package that
 * holds one is installed: drivers are found by environment variables that must be set before Node starts. Elsewhere
 * the engine says what is missing.
 */
export async function bringAdapter({ device }: Pick<ModelFlags, "device">, io: Io): Promise<void> {
  if (device !== "webgpu" || !io.restart) return;
  const { findAdapter } = await import("@fusewire/backend-tfjs/adapter");
  const found = await findAdapter();
  if (!("refused" in found) || found.missing === "webgpu") return;
  const { softwareAdapter } = await import("@fusewire/backend-tfjs/node");
  const environment = softwareAdapter(import.meta.url);
  if (!environment) return;
  const notice = "no GPU found; starting again on the software adapter of @sparticuz/chromium, which is slow";
  io.stderr.write(`${wrap(notice, widthOf(io.stderr), "  ")}\n`);
  throw new Restarted(await io.restart(environment));
}
