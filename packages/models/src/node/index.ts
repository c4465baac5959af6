export { openModelDirectory } from "./directory.ts";
