export { embeddedModel } from "./assets.ts";
export { openModelDirectory } from "./directory.ts";
