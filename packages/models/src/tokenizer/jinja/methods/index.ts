export { DICT_METHODS } from "./dict.ts";
export { LIST_METHODS } from "./list.ts";
export type { Methods } from "./methods.ts";
export { TEXT_METHODS } from "./text.ts";
