import type { ModelFiles } from "@fusewire/models";
import { openModelDirectory } from "@fusewire/models/node";

/** Model files from a folder of this machine. */
export const openModel = (path: string): Promise<ModelFiles> => openModelDirectory(path);
