export {
  HEAD,
  type JoinedRows,
  type Keeping,
  type RowOrder,
  type StoredPart,
  type StoredWeight,
} from "./form.ts";
export { hasOwnHead } from "./own_head.ts";
export { type StoredWeights, storedWeights, type WeightNodes } from "./stored.ts";
