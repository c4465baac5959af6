/** What a page keeps of models, to look at and to delete. */
import { FusewireError } from "@fusewire/ir";
import { openRoot, pageStorage, type Storage } from "./origin-store.ts";

/** A model whose files are kept on this machine. */
export interface KeptModel {
  /** The address of its folder, such as `https://example.org/models/tales/` or `https://huggingface.co/owner/name`. */
  readonly name: string;
  readonly bytes: number;
  /** When a part of it was written last. */
  readonly lastUsed: Date;
}

type Handle = FileSystemFileHandle | FileSystemDirectoryHandle;

/** All that are kept, the newest first; none where the browser keeps nothing. */
export async function listKeptModels(storage: Storage | undefined = pageStorage()): Promise<KeptModel[]> {
  const root = await openRoot(storage);
  if ("refused" in root) return [];
  const models: KeptModel[] = [];
  for await (const [name, folder] of root.entries()) {
    const { bytes, newest } = await measure(folder);
    models.push({ name: decodeURIComponent(name), bytes, lastUsed: new Date(newest) });
  }
  return models.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
}

async function measure(handle: Handle): Promise<{ readonly bytes: number; readonly newest: number }> {
  if (handle.kind === "file") {
    const { size, lastModified } = await handle.getFile();
    return { bytes: size, newest: lastModified };
  }
  let [bytes, newest] = [0, 0];
  for await (const inner of (handle as unknown as { values(): AsyncIterable<Handle> }).values()) {
    const one = await measure(inner);
    bytes += one.bytes;
    newest = Math.max(newest, one.newest);
  }
  return { bytes, newest };
}

/** Deletes what is kept of one model and gives what that was. An error where there is none of that name. */
export async function deleteKeptModel(
  name: string,
  storage: Storage | undefined = pageStorage(),
): Promise<KeptModel> {
  const models = await listKeptModels(storage);
  const found = models.find((model) => model.name === name);
  const root = await openRoot(storage);
  if (!found || "refused" in root)
    throw new FusewireError(
      `'${name}' is not kept here; ${models.length === 0 ? "nothing is" : `kept are ${models.map((one) => one.name).join(", ")}`}`,
    );
  await root.removeEntry(encodeURIComponent(name), { recursive: true });
  return found;
}
