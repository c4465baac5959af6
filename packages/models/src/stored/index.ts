export { HEAD, type TiedModel } from "./form.ts";
export { hasOwnHead, type StoredWeight, type StoredWeights, storedWeights } from "./stored.ts";
