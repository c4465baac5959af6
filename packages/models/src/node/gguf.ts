import { basename, dirname, join } from "node:path";
import { FusewireError } from "@fusewire/ir";
import type { ModelFiles } from "../files/index.ts";
import { ggufFiles } from "../gguf/index.ts";
import { openFile } from "./directory.ts";

/** A GGUF file of the disk, with the parts beside it where it is one of several. */
export async function openGguf(path: string): Promise<ModelFiles> {
  const folder = dirname(path);
  const found = await openFile(path);
  if (!found) throw new FusewireError(`there is no GGUF file '${path}'; give the path of one`);
  await found.close();
  return ggufFiles({ location: `'${folder}'`, open: (name) => openFile(join(folder, name)) }, basename(path));
}
