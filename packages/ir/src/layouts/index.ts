export { packCodes, unpackCodes } from "./codes.ts";
export { integers, isIntegers, q4, q7, q8 } from "./integers.ts";
export { checkLayout, type Layout, layout, limits, rowBytes, sameLayout } from "./layout.ts";
export { formatLayout, parseLayout } from "./text.ts";
