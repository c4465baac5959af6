/** Where a page keeps bytes between visits, under addresses. */
export interface ChunkStore {
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Keeps the bytes if it can: a full or forbidden store is no error. */
  put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

const NAME = "fusewire-hub";

/** The Cache API of a page, or a store that keeps nothing where there is none (plain http, private windows). */
export async function pageStore(
  storage: Pick<CacheStorage, "open"> | undefined = globalThis.caches,
): Promise<ChunkStore> {
  const cache = await storage?.open(NAME).catch(() => undefined);
  if (!cache) return { get: async () => undefined, put: async () => {} };
  return {
    async get(key) {
      const response = await cache.match(key).catch(() => undefined);
      return response && new Uint8Array(await response.arrayBuffer());
    },
    put: (key, bytes) => cache.put(key, new Response(bytes)).catch(() => {}),
  };
}
