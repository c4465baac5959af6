import { FusewireError } from "@fusewire/ir";
import type { FileProgress } from "../files/index.ts";

/** What happens to a file of the hub. */
export type HubProgress = FileProgress;

/** How to reach a model on the hub; the names are those of Hugging Face. */
export interface HubOptions {
  /** A branch, tag or commit; `main` unless given. */
  readonly revision?: string;
  /** For gated and private models. `false` sends none, even if there is one in the environment. */
  readonly token?: string | false;
  /** The folder of the shared cache. Node only. */
  readonly cache_dir?: string;
  /** Take what is cached and never ask the hub. */
  readonly local_files_only?: boolean;
  /** Whether a page keeps what it has downloaded for the next visit; true unless given. Pages only. */
  readonly cache?: boolean;
  readonly progress_callback?: (event: HubProgress) => void;
  /** Another hub, or a mirror of it. */
  readonly endpoint?: string;
  /** Stops downloads; what has arrived is kept. */
  readonly signal?: AbortSignal;
}

const CHECKS: { readonly [K in keyof Required<HubOptions>]: readonly [string, (value: unknown) => boolean] } =
  {
    revision: ["a text", (value) => typeof value === "string"],
    token: ["a text or false", (value) => typeof value === "string" || value === false],
    cache_dir: ["a text", (value) => typeof value === "string" && value !== ""],
    local_files_only: ["true or false", (value) => typeof value === "boolean"],
    cache: ["true or false", (value) => typeof value === "boolean"],
    progress_callback: ["a function", (value) => typeof value === "function"],
    endpoint: ["a text", (value) => typeof value === "string"],
    signal: ["an AbortSignal", (value) => value instanceof AbortSignal],
  };

/** The names of all options. */
export const HUB_OPTIONS: readonly string[] = Object.keys(CHECKS);

/** Rejects an option of the wrong type; a value is never repeated, for it may be a token. */
export function checkHubOptions(options: HubOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.entries(CHECKS).find(([known]) => known === name)?.[1];
    if (!check)
      throw new FusewireError(`'${name}' is not an option of the hub; options are ${HUB_OPTIONS.join(", ")}`);
    const [expected, passes] = check;
    if (value !== undefined && !passes(value))
      throw new FusewireError(`'${name}' is ${typeof value}, expected ${expected}`);
  }
}
