import type { ModelStore } from "../store.ts";

/** A store that lives as long as the program: for tests. `room` is how many bytes it takes. */
export function memoryStore(room = Number.POSITIVE_INFINITY): ModelStore {
  const folders = new Map<string, Map<string, Blob>>();
  const taken = (): number =>
    [...folders.values()].flatMap((parts) => [...parts.values()]).reduce((sum, { size }) => sum + size, 0);
  return {
    folders: async () => [...folders.keys()],
    parts: async (folder) => [...(folders.get(folder)?.keys() ?? [])],
    read: async (folder, part) => folders.get(folder)?.get(part),
    async write(folder, part, bytes) {
      const blob = new Blob([bytes]);
      if (taken() + blob.size > room) throw new DOMException("no room", "QuotaExceededError");
      folders.set(folder, (folders.get(folder) ?? new Map()).set(part, blob));
    },
    remove: async (folder) => void folders.delete(folder),
  };
}
