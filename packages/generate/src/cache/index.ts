export { Cache } from "./cache.ts";
export { DynamicCache, QuantizedCache, SlidingWindowCache, StaticCache } from "./kinds.ts";
export type { CacheOptions, StaticCacheOptions } from "./options.ts";
