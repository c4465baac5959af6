import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { checkEndpoint, checkToken, DEFAULT_ENDPOINT, type HubOptions } from "../../hub/index.ts";

/** What this process may do and where, out of options and the environment; an option wins. */
export interface HubSettings {
  readonly cacheDir: string;
  readonly endpoint: string;
  readonly token: string | undefined;
  /** Why the hub may not be asked, or undefined where it may. */
  readonly offline: string | undefined;
}

/** Reads the options and the variables that huggingface_hub knows, and FUSEWIRE_OFFLINE. */
export async function hubSettings(options: HubOptions): Promise<HubSettings> {
  const { env } = process;
  // The library keeps the order of the variables; it is loaded here, for who opens a folder does not need it.
  const { getHFHubCachePath } = await import("@huggingface/hub");
  return {
    cacheDir: resolve(expandHome(options.cache_dir ?? getHFHubCachePath())),
    endpoint: checkEndpoint(options.endpoint ?? (env.HF_ENDPOINT || DEFAULT_ENDPOINT)),
    token: await findToken(options.token),
    offline: options.local_files_only ? "local_files_only is set" : offlineBy(process.env),
  };
}

/** The variable that forbids to ask the hub. As in huggingface_hub, the older name counts where the other is not set. */
function offlineBy(env: NodeJS.ProcessEnv): string | undefined {
  const hub = env.HF_HUB_OFFLINE ? "HF_HUB_OFFLINE" : "TRANSFORMERS_OFFLINE";
  const name = ["FUSEWIRE_OFFLINE", hub].find((variable) => isTrue(env[variable]));
  return name && `${name} is set`;
}

async function findToken(option: string | false | undefined): Promise<string | undefined> {
  if (option === false) return undefined;
  if (option !== undefined) return checkToken(option);
  const { env } = process;
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const found = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || (await readTokenFile());
  return found === undefined || found.trim() === "" ? undefined : checkToken(found);
}

/** The token that 'hf auth login' (once huggingface-cli login) keeps. */
function readTokenFile(): Promise<string | undefined> {
  const { HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME } = process.env;
  const home = HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
  // A file that cannot be read is as good as none: the hub will say whether it wants a token.
  return readFile(expandHome(HF_TOKEN_PATH || join(home, "token")), "utf8").catch(() => undefined);
}

const isTrue = (value: string | undefined): boolean => /^(?:1|on|yes|true)$/i.test(value ?? "");

const expandHome = (path: string): string =>
  path === "~" || path.startsWith("~/") || path.startsWith("~\\") ? join(homedir(), path.slice(1)) : path;
