/** The store of a page: the origin-private file system (OPFS), a folder for each model. */
import type { ModelStore, NoStore } from "./store.ts";

const ROOT = "fusewire";

/** What is used of a folder; the types of TypeScript 5.4 lack the iterators. */
type Folder = FileSystemDirectoryHandle & {
  entries(): AsyncIterable<[string, FileSystemFileHandle | FileSystemDirectoryHandle]>;
};

/** What is used of `navigator.storage`; tests give another one. */
export type Storage = Pick<StorageManager, "getDirectory" | "estimate">;

export const pageStorage = (): Storage | undefined =>
  // Node has none, and neither have pages on plain http.
  (globalThis.navigator as { readonly storage?: Storage } | undefined)?.storage;

/** The folder of all models, or why there is none. */
export async function openRoot(storage: Storage | undefined): Promise<Folder | NoStore> {
  if (!storage?.getDirectory) {
    const insecure = globalThis.isSecureContext === false;
    return { refused: insecure ? "the page is neither on https nor on localhost" : undefined };
  }
  try {
    const origin = await storage.getDirectory();
    return (await origin.getDirectoryHandle(ROOT, { create: true })) as Folder;
  } catch (error) {
    return { refused: `the browser forbids it (${String(error)}), as in private windows` };
  }
}

/** The store of one model, by its address. */
export async function openOriginStore(model: string, storage = pageStorage()): Promise<ModelStore | NoStore> {
  const root = await openRoot(storage);
  if ("refused" in root) return root;
  const name = encodeURIComponent(model);
  const folderOf = async (folder: string, create: boolean): Promise<Folder | undefined> => {
    const own = await root.getDirectoryHandle(name, { create }).catch(unlessMissing);
    return (await own?.getDirectoryHandle(folder, { create }).catch(unlessMissing)) as Folder | undefined;
  };
  return {
    async folders() {
      const own = await root.getDirectoryHandle(name).catch(unlessMissing);
      return own ? namesIn(own as Folder) : [];
    },
    async parts(folder) {
      const found = await folderOf(folder, false);
      return found ? namesIn(found) : [];
    },
    async read(folder, part) {
      const handle = await (await folderOf(folder, false))?.getFileHandle(part).catch(unlessMissing);
      return handle?.getFile();
    },
    async write(folder, part, bytes) {
      const handle = await (await folderOf(folder, true))!.getFileHandle(part, { create: true });
      // Takes the file's place when it is closed: a part is never half there.
      const file = await handle.createWritable();
      try {
        await file.write(bytes);
        await file.close();
      } catch (error) {
        await file.abort().catch(() => {});
        throw error;
      }
    },
    async remove(folder) {
      const own = await root.getDirectoryHandle(name).catch(unlessMissing);
      await own?.removeEntry(folder, { recursive: true }).catch(unlessMissing);
    },
  };
}

async function namesIn(folder: Folder): Promise<string[]> {
  const names: string[] = [];
  for await (const [name] of folder.entries()) names.push(name);
  return names;
}

export const unlessMissing = (error: unknown): undefined => {
  if (error instanceof Error && error.name === "NotFoundError") return undefined;
  throw error;
};
