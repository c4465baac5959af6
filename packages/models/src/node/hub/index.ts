export {
  type CachedModel,
  cachedDirectory,
  listCachedModels,
  removeCachedModel,
} from "./cached-models.ts";
export { type HubModelFiles, openHubModel } from "./open.ts";
