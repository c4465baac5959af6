/** Filters that apply another filter, or a test, to each item. */

import { bind, textOf } from "../arguments.ts";
import { isTrue, iterate } from "../operators.ts";
import { type Arguments, Once, TemplateFailure, type Value } from "../values.ts";
import type { Filter, Filters, FilterWorld } from "./filter.ts";
import { getter } from "./getter.ts";

/** A test by the first argument's name, with the other arguments; whether the value is true where there is none. */
function testOf(
  { positional, named }: Arguments,
  { applyTest, budget }: FilterWorld,
): (value: Value) => boolean {
  const [name, ...rest] = positional;
  if (name === undefined) return isTrue;
  const test = textOf(name, "select");
  return (value) => applyTest(test, value, { positional: rest, named }, budget);
}

const selecting =
  (keeps: boolean): Filter =>
  (of, given, world) => {
    const test = testOf(given, world);
    return new Once(iterate(of).filter((item) => test(item) === keeps));
  };

const selectingBy =
  (keeps: boolean): Filter =>
  (of, given, world) => {
    const [attribute, ...positional] = given.positional;
    if (attribute === undefined)
      throw new TemplateFailure("FilterArgumentError: Missing parameter for attribute name");
    const get = getter(attribute, world.budget);
    const test = testOf({ positional, named: given.named }, world);
    return new Once(iterate(of).filter((item) => test(get(item)) === keeps));
  };

export const SELECTION_FILTERS: Filters = {
  map(of, given, world) {
    if (given.positional.length === 0 && given.named.has("attribute")) {
      const [attribute, otherwise] = bind("map", given, ["attribute"], ["default"]);
      return new Once(iterate(of).map(getter(attribute!, world.budget, otherwise)));
    }
    const [name, ...positional] = given.positional;
    if (name === undefined) throw new TemplateFailure("FilterArgumentError: map requires a filter argument");
    const filter = textOf(name, "map");
    const { applyFilter, budget } = world;
    return new Once(
      iterate(of).map((item) => applyFilter(filter, item, { positional, named: given.named }, budget)),
    );
  },
  select: selecting(true),
  reject: selecting(false),
  selectattr: selectingBy(true),
  rejectattr: selectingBy(false),
};
