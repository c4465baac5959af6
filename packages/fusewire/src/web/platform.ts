import { FusewireError } from "@fusewire/ir";
import {
  DEFAULT_ENDPOINT,
  deleteKeptModel,
  fetchFiles,
  type HubOptions,
  isRepoId,
  listKeptModels,
  type ModelFiles,
  openRemoteModel,
} from "@fusewire/models";
import type { ModelCache } from "../model_cache.ts";

/** An address, whole or relative to the page; without its mark a name could be one of a hub. */
const ADDRESS = /^(https?:|\.{0,2}\/)/;

/** Model files from a folder of a web server, or of `owner/name` on the hub. */
export const openModel = async (address: string, options: HubOptions): Promise<ModelFiles> => {
  if (address.includes("/") && isRepoId(address)) return openRemoteModel(address, options);
  if (!ADDRESS.test(address))
    throw new FusewireError(
      `'${address}' is neither owner/name on the hub nor an address, which starts with https://, / or ./; a page can also give the files themselves (see ModelFiles)`,
    );
  if (options.revision !== undefined)
    throw new FusewireError(
      `from_pretrained: 'revision' is for models of the hub (owner/name), not for '${address}'`,
    );
  const { cache, progress_callback, signal } = options;
  return fetchFiles(address, {
    cache,
    progress_callback,
    ...(signal && { fetch: (url, init) => fetch(url, { ...init, signal }) }),
  });
};

/** Models of the hub go by their names, others by their addresses. */
export const cache: ModelCache = {
  list: async () => (await listKeptModels()).map((model) => ({ ...model, name: shortName(model.name) })),
  async delete(name) {
    const isShort = name.includes("/") && isRepoId(name);
    return { ...(await deleteKeptModel(isShort ? HUB + name : name)), name };
  },
};

const HUB = `${DEFAULT_ENDPOINT}/`;

const shortName = (address: string): string =>
  address.startsWith(HUB) ? address.slice(HUB.length) : address;
