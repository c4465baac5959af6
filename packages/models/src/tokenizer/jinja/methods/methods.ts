import type { Budget } from "../budget.ts";
import type { Arguments, Value } from "../values.ts";

/** The methods of a type, by name. One that is not to be had is the message that says so. */
export type Methods<Self> = Readonly<
  Record<string, string | ((self: Self, given: Arguments, budget: Budget) => Value)>
>;
