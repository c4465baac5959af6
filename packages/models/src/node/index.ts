export { embeddedModel } from "./assets.ts";
export { openModelDirectory } from "./directory.ts";
export { type HubModelFiles, openHubModel } from "./hub/index.ts";
