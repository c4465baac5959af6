import { FusewireError } from "@fusewire/ir";
import {
  DEFAULT_ENDPOINT,
  deleteKeptModel,
  fetchFiles,
  type HubOptions,
  isRepoId,
  listKeptModels,
  type ModelFiles,
  openRemoteModel,
} from "@fusewire/models";
import type { Engine } from "@fusewire/passes";
import type { ModelCache } from "../model_cache.ts";
import { type EngineOptions, openNamed } from "../named_engine.ts";
import { openInWorker, prepareInWorker } from "./start_worker.ts";

/** An address, whole or relative to the page; without its mark a name could be one of a hub. */
const ADDRESS = /^(https?:|\.{0,2}\/)/;

/** Model files from a folder of a web server, or of `owner/name` on the hub. */
export const openModel = async (address: string, options: HubOptions): Promise<ModelFiles> => {
  if (address.includes("/") && isRepoId(address)) return openRemoteModel(address, options);
  if (!ADDRESS.test(address))
    throw new FusewireError(
      `'${address}' is neither owner/name on the hub nor an address, which starts with https://, / or ./; a page can also give the files themselves (see ModelFiles)`,
    );
  if (options.revision !== undefined)
    throw new FusewireError(
      `from_pretrained: 'revision' is for models of the hub (owner/name), not for '${address}'`,
    );
  const { cache, progress_callback, signal } = options;
  return fetchFiles(address, {
    cache,
    progress_callback,
    ...(signal && { fetch: (url, init) => fetch(url, { ...init, signal }) }),
  });
};

/** Models of the hub go by their names, others by their addresses. */
export const cache: ModelCache = {
  list: async () => (await listKeptModels()).map((model) => ({ ...model, name: shortName(model.name) })),
  async delete(name) {
    const isShort = name.includes("/") && isRepoId(name);
    return { ...(await deleteKeptModel(isShort ? HUB + name : name)), name };
  },
};

const HUB = `${DEFAULT_ENDPOINT}/`;

const shortName = (address: string): string =>
  address.startsWith(HUB) ? address.slice(HUB.length) : address;

/**
 * An engine by the name of its device. What `webgpu` quantizes, a worker does. `wasm` computes where it is called, so it gets a worker, that the page goes on
 * meanwhile; where there can be none, its `notice` says why.
 */
export async function openEngine(device: string, options: EngineOptions): Promise<Engine> {
  if (device === "webgpu") return openGpu(options);
  if (device !== "wasm") return openNamed(device, options);
  const opened = await openInWorker(options);
  if (!("refused" in opened)) return opened;
  const engine = await openNamed(device, options);
  if (opened.refused === "") return engine;
  const told = `the model runs in the page's own thread, which waits meanwhile, for there is no worker: ${opened.refused}`;
  const notice = () => [told, engine.notice].filter((text) => text !== undefined).join("; ");
  return Object.create(engine, { notice: { get: notice } }) as Engine;
}

async function openGpu(options: EngineOptions): Promise<Engine> {
  const { prepare, close } = prepareInWorker();
  const engine = await openNamed("webgpu", options, prepare);
  const dispose = async (): Promise<void> => {
    await Promise.all([engine.dispose(), close()]);
  };
  return Object.create(engine, { dispose: { value: dispose } }) as Engine;
}
