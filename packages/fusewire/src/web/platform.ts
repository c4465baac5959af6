import { FusewireError } from "@fusewire/ir";
import type { ModelFiles } from "@fusewire/models";

/** A page has no folders: it gives the files themselves. */
export const openModel = async (path: string): Promise<ModelFiles> => {
  throw new FusewireError(
    `'${path}' is a path, which a page cannot open; pass the files (see ModelFiles) instead`,
  );
};
