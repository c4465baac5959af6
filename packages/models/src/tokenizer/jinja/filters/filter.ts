import type { Budget } from "../budget.ts";
import type { Arguments, Value } from "../values.ts";

/** What filters may use. Those that apply others by name are given the means. */
export interface FilterWorld {
  readonly budget: Budget;
  readonly applyFilter: (name: string, of: Value, given: Arguments, budget: Budget) => Value;
  readonly applyTest: (name: string, of: Value, given: Arguments, budget: Budget) => boolean;
}

export type Filter = (of: Value, given: Arguments, world: FilterWorld) => Value;

/** Filters by name. One that is not to be had is the message that says so. */
export type Filters = Readonly<Record<string, Filter | string>>;
