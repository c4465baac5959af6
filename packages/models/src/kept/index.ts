export { createKeeper, type Keeper, openKeeper } from "./keeper.ts";
export { deleteKeptModel, type KeptModel, listKeptModels } from "./models.ts";
export { openOriginStore } from "./origin-store.ts";
export type { ModelStore, NoStore } from "./store.ts";
