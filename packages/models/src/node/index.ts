export { embeddedModel } from "./assets.ts";
export { openModelDirectory } from "./directory.ts";
export { type HubModelFiles, openHubModel } from "./hub/index.ts";
export { type HubSettings, hubSettings } from "./hub/settings.ts";
