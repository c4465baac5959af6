import { stat } from "node:fs/promises";
import { FusewireError } from "@fusewire/ir";
import { type HubOptions, isRepoId, type ModelFiles } from "@fusewire/models";
import {
  listCachedModels,
  openGguf,
  openHubModel,
  openModelDirectory,
  removeCachedModel,
} from "@fusewire/models/node";
import type { ModelCache } from "../model_cache.ts";
import { type EngineOptions, openNamed } from "../named_engine.ts";

/** Model files from a folder or a GGUF file of this machine, or of `owner/name` on the hub where there is no such folder. */
export async function openModel(source: string, options: HubOptions): Promise<ModelFiles> {
  if (options.cache === false)
    throw new FusewireError(
      "from_pretrained: 'cache' is for pages; here models of the hub lie in a folder (cache_dir), and folders are read where they are",
    );
  // A bare name is more likely a folder that is misspelt than one of the few models without an owner.
  const isFile = source.endsWith(".gguf");
  const fromHub = !isFile && source.includes("/") && isRepoId(source) && !(await exists(source));
  if (fromHub)
    return openHubModel(source, options).catch((error: unknown) => {
      if (!(error instanceof FusewireError)) throw error;
      throw new FusewireError(`${error.message}; nor is there a folder '${source}'`, { cause: error });
    });
  if (options.revision !== undefined)
    throw new FusewireError(
      `from_pretrained: 'revision' is for models of the hub (owner/name), not for the folder '${source}'`,
    );
  return isFile ? openGguf(source) : openModelDirectory(source);
}

/** The folder that is shared with Python. */
export const cache: ModelCache = {
  list: () => listCachedModels(),
  delete: (name) => removeCachedModel(name),
};

/** Programs run engines where they are: whoever must not wait starts a thread or a process. */
export const openEngine = (device: string, options: EngineOptions) => openNamed(device, options);

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
