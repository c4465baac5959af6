/** Weights for an engine in another thread: it opens the model there and reads the files through this one. */
import type { ByteSource, ModelFiles } from "@fusewire/models";
import type { OpenSource, SourceElsewhere } from "@fusewire/passes";
import type { WeightDType } from "./dtypes.ts";
import { openCausalModel } from "./open_model.ts";
import { weightSource } from "./weights.ts";

interface Recipe {
  readonly location: string;
  readonly dtype: WeightDType | undefined;
}

type Request =
  | { readonly open: string }
  | { readonly read: string; readonly offset: number; readonly length: number };

/** So much is copied at a time, which takes this thread about a millisecond. */
const PIECE = 4 * 2 ** 20;

/** The end of the thread that has the files; `close` gives them back. */
export function sourceElsewhere(
  files: ModelFiles,
  dtype: WeightDType | undefined,
  onRead: (name: string) => void,
): SourceElsewhere & { close(): Promise<void> } {
  const opened = new Map<string, Promise<ByteSource | undefined>>();
  const open = (name: string): Promise<ByteSource | undefined> => {
    const source = opened.get(name) ?? files.open(name);
    opened.set(name, source);
    return source;
  };
  const recipe: Recipe = { location: files.location, dtype };
  return {
    recipe,
    async answer(given) {
      const request = given as Request;
      if ("open" in request) return (await open(request.open))?.size;
      const source = await open(request.read);
      // What a source gives may be its own.
      return (await source!.read(request.offset, request.length)).slice();
    },
    hear: (name) => onRead(name as string),
    async close() {
      const sources = await Promise.allSettled(opened.values());
      opened.clear();
      for (const source of sources) if (source.status === "fulfilled") await source.value?.close();
    },
  };
}

/** The end of the thread that has the engine. */
export const openSourceElsewhere: OpenSource = async ({ recipe, ask, tell }) => {
  const { location, dtype } = recipe as Recipe;
  const files: ModelFiles = {
    location,
    async open(name) {
      const size = (await ask({ open: name })) as number | undefined;
      return size === undefined ? undefined : remoteSource(name, size, ask);
    },
  };
  const { params } = await openCausalModel(files, { dtype, compare_heads: true });
  return weightSource(params, tell);
};

function remoteSource(name: string, size: number, ask: (request: Request) => Promise<unknown>): ByteSource {
  const readPiece = (offset: number, length: number) =>
    ask({ read: name, offset, length }) as Promise<Uint8Array>;
  return {
    size,
    async read(offset, length) {
      if (length <= PIECE) return readPiece(offset, length);
      const result = new Uint8Array(length);
      for (let done = 0; done < length; done += PIECE)
        result.set(await readPiece(offset + done, Math.min(PIECE, length - done)), done);
      return result;
    },
    async close() {},
  };
}
