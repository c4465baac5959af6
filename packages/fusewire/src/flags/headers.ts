import { FusewireError } from "@fusewire/ir";
import { isRepoId, type ModelFiles, openCheckpoint, openRemoteModel } from "@fusewire/models";
import { hubSettings, openHubModel, openModelDirectory } from "@fusewire/models/node";
import { exists, openModelFlag, type SourceFlags } from "./model.ts";

// Headers of weights are mostly shorter, and so are configurations.
const CHUNK = 2 ** 20;

/** The model's files for who reads little of them: those of the hub that are not in the cache are read by ranges. */
export async function openHeaders(flags: SourceFlags): Promise<ModelFiles> {
  const { model = "", revision } = flags;
  if (!model.includes("/") || !isRepoId(model) || (await exists(model))) return openModelFlag(flags);
  const source = revision === undefined ? {} : { revision };
  const { endpoint, token = false, offline } = await hubSettings({});
  const cached = await openCached(model, source);
  if (cached) return cached;
  if (offline !== undefined) return openModelFlag(flags);
  return openRemoteModel(model, { ...source, endpoint, token }, { chunkBytes: CHUNK }).catch((error) => {
    if (!(error instanceof FusewireError)) throw error;
    throw new FusewireError(`${error.message}; nor is there a folder '${model}'`, { cause: error });
  });
}

/** The folder of the cache, where all of the model is in it; not hashed, as nothing of it will be computed with. */
async function openCached(
  model: string,
  source: { readonly revision?: string },
): Promise<ModelFiles | undefined> {
  try {
    const { directory } = await openHubModel(model, { ...source, local_files_only: true });
    const files = await openModelDirectory(directory);
    await (await openCheckpoint(files)).close();
    return { ...files, location: `'${model}'` };
  } catch (error) {
    if (error instanceof FusewireError) return undefined;
    throw error;
  }
}
