export { readQuantized } from "./open.ts";
