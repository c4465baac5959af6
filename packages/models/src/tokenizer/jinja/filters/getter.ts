import { itemOf } from "../access.ts";
import type { Budget } from "../budget.ts";
import { strOf } from "../print.ts";
import { Undefined, type Value } from "../values.ts";

/**
 * What an `attribute` of a filter takes from each item: `role`, an item of an item as `function.name`, or the item
 * itself for null. `otherwise` stands for what is not there.
 */
export function getter(attribute: Value, budget: Budget, otherwise?: Value): (item: Value) => Value {
  if (attribute === null) return (item) => item;
  const path: readonly Value[] =
    typeof attribute === "bigint"
      ? [attribute]
      : strOf(attribute)
          .split(".")
          .map((part) => (/^\d+$/.test(part) ? BigInt(part) : part));
  return (item) => {
    let value = item;
    for (const key of path) {
      value = itemOf(value, key, budget);
      if (value instanceof Undefined && otherwise !== undefined) value = otherwise;
    }
    return value;
  };
}
