import { FusewireError } from "@fusewire/ir";
import { fetchFiles, type ModelFiles } from "@fusewire/models";

/** An address, whole or relative to the page; without its mark a name could be one of a hub. */
const ADDRESS = /^(https?:|\.{0,2}\/)/;

/** Model files from a folder of a web server. */
export const openModel = async (address: string): Promise<ModelFiles> => {
  if (ADDRESS.test(address)) return fetchFiles(address);
  throw new FusewireError(
    `'${address}' is not an address, which starts with https://, / or ./; a page can also give the files themselves (see ModelFiles)`,
  );
};
