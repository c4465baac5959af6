import { FusewireError } from "@fusewire/ir";
import { fetchFiles, type HubOptions, isRepoId, type ModelFiles, openRemoteModel } from "@fusewire/models";

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
  return fetchFiles(address);
};
