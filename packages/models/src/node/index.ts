export { embeddedModel } from "./assets.ts";
export { openModelDirectory } from "./directory.ts";
export { openGguf } from "./gguf.ts";
export {
  type CachedModel,
  cachedDirectory,
  type HubModelFiles,
  listCachedModels,
  openHubModel,
  removeCachedModel,
} from "./hub/index.ts";
export { type HubSettings, hubSettings } from "./hub/settings.ts";
