/** For tests alone: random graphs with values for them, and what to compare them by. Needs fast-check. */
export { expectClose, expectSameMeaning } from "./compare.ts";
export { randomEnvironment, randomNumbers, randomValue } from "./environment.ts";
export { expandModule, expandNode } from "./expand.ts";
export { madeUp, madeUpRows } from "./made_up_layout.ts";
export { arbitraryModule } from "./random_graph.ts";
export { CACHE_DTYPES, storedCache } from "./stored_cache.ts";
