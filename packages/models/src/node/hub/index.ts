export { type HubModelFiles, openHubModel } from "./open.ts";
