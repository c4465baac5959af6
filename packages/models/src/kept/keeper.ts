/** Keeps parts of a model's files, so that each byte is asked of the server once. */
import { openOriginStore, pageStorage, type Storage } from "./origin-store.ts";
import type { ModelStore, NoStore } from "./store.ts";

/** Keeps in the browser's store while there is one with room, and otherwise in memory. */
export interface Keeper {
  folders(): Promise<readonly string[]>;
  /** Bytes of a part from `start` to `end`; undefined where the part is not there, or has not this length. */
  read(
    folder: string,
    part: string,
    length: number,
    start: number,
    end: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** The whole part, whatever its length. */
  whole(folder: string, part: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  parts(folder: string): Promise<readonly string[]>;
  /** Never fails: what the browser does not take stays in memory. */
  write(folder: string, part: string, bytes: Uint8Array<ArrayBuffer> | Blob): Promise<void>;
  remove(folder: string): Promise<void>;
  /** Gives the memory of a folder back. */
  release(folder: string): void;
  /** What is not kept between visits, and why: a sentence each. */
  notices(): readonly string[];
}

/** For the files of one model, by its address. With `cache` false nothing outlives the visit. */
export async function openKeeper(model: string, cache: boolean): Promise<Keeper> {
  if (!cache) return createKeeper(model, { refused: undefined });
  return createKeeper(model, await openOriginStore(model));
}

export function createKeeper(model: string, found: ModelStore | NoStore, storage = pageStorage()): Keeper {
  const store = "refused" in found ? undefined : found;
  const memory = new Map<string, Map<string, Blob>>();
  const notices: string[] = [];
  const again = "they are downloaded again at the next visit";
  if ("refused" in found && found.refused !== undefined)
    notices.push(`the files of ${model} are not kept, for ${found.refused}; ${again}`);
  let full = false;
  const find = async (folder: string, part: string): Promise<Blob | undefined> =>
    memory.get(folder)?.get(part) ?? (await store?.read(folder, part));
  return {
    folders: async () => [
      ...new Set([...memory.keys(), ...((await store?.folders().catch(() => [])) ?? [])]),
    ],
    parts: async (folder) => (await store?.parts(folder).catch(() => [])) ?? [],
    async read(folder, part, length, start, end) {
      try {
        const blob = await find(folder, part);
        if (blob?.size !== length) return undefined;
        return new Uint8Array(await blob.slice(start, end).arrayBuffer());
      } catch {
        // Another tab may have deleted it meanwhile: as good as not there.
        return undefined;
      }
    },
    async whole(folder, part) {
      const blob = await find(folder, part).catch(() => undefined);
      return blob && new Uint8Array(await blob.arrayBuffer());
    },
    async write(folder, part, bytes) {
      if (store && !full)
        try {
          return await store.write(folder, part, bytes);
        } catch (error) {
          full = true;
          notices.push(
            `some files of ${model} are not kept, for ${await refusal(error, sizeOf(bytes), storage)}; ${again}`,
          );
        }
      const parts = memory.get(folder) ?? new Map<string, Blob>();
      // A Blob need not lie in the page's own memory: browsers put large ones on the disk.
      memory.set(folder, parts.set(part, bytes instanceof Blob ? bytes : new Blob([bytes])));
    },
    async remove(folder) {
      memory.delete(folder);
      await store?.remove(folder).catch(() => {});
    },
    release: (folder) => void memory.delete(folder),
    notices: () => notices,
  };
}

const sizeOf = (bytes: Uint8Array | Blob): number => (bytes instanceof Blob ? bytes.size : bytes.byteLength);

async function refusal(error: unknown, bytes: number, storage: Storage | undefined): Promise<string> {
  const { quota, usage } = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  const known = quota !== undefined && usage !== undefined;
  const named = error instanceof Error && error.name === "QuotaExceededError";
  // Chromium sometimes only says that it could not write.
  if (!named && !(known && usage + bytes > quota)) return `the browser cannot write them (${String(error)})`;
  const room = known
    ? `: ${megabytes(usage)} of the ${megabytes(quota)} that it grants this site are taken`
    : "";
  return `the browser has no more room${room}; cache.list() says by what, cache.delete(name) frees some`;
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
