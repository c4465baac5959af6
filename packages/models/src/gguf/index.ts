export { ggufFiles } from "./files.ts";
