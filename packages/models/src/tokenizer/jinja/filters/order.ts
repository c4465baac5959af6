/** Filters that compare items: sorting, extremes, groups, and what is distinct. */

import { bind } from "../arguments.ts";
import type { Budget } from "../budget.ts";
import { compare, isEqual, isTrue, iterate } from "../operators.ts";
import { strOf } from "../print.ts";
import { Dict, Once, TemplateFailure, Tuple, Undefined, type Value } from "../values.ts";
import type { Filter, Filters } from "./filter.ts";
import { getter } from "./getter.ts";

/** Texts of any case are the same, unless case is asked for. */
const folded = (value: Value, cased: Value): Value =>
  typeof value === "string" && !isTrue(cased) ? value.toLowerCase() : value;

/** What items are sorted by: one attribute or several with commas between. */
function sortKey(attribute: Value, cased: Value, budget: Budget): (item: Value) => Value {
  const parts =
    attribute === null ? [null] : typeof attribute === "bigint" ? [attribute] : strOf(attribute).split(",");
  const getters = parts.map((part) => getter(part, budget));
  return (item) => new Tuple(getters.map((get) => folded(get(item), cased)));
}

/** A stable sort, as Python's. */
function sorted(items: readonly Value[], key: (item: Value) => Value, reverse: boolean): Value[] {
  const keyed = items.map((item) => [key(item), item] as const);
  return keyed.sort(([a], [b]) => (reverse ? compare(b, a) : compare(a, b))).map(([, item]) => item);
}

const extreme =
  (name: string, isBetter: (order: number) => boolean): Filter =>
  (of, given, { budget }) => {
    const [cased = false, attribute = null] = bind(name, given, [], ["case_sensitive", "attribute"]);
    const get = getter(attribute, budget);
    const key = (item: Value) => folded(get(item), cased);
    const [first, ...rest] = iterate(of);
    if (first === undefined) return new Undefined("No aggregated item, sequence was empty.");
    return rest.reduce((best, item) => (isBetter(compare(key(item), key(best))) ? item : best), first);
  };

export const ORDER_FILTERS: Filters = {
  sort(of, given, { budget }) {
    const [reverse = false, cased = false, attribute = null] = bind(
      "sort",
      given,
      [],
      ["reverse", "case_sensitive", "attribute"],
    );
    return sorted(iterate(of), sortKey(attribute, cased, budget), isTrue(reverse));
  },
  dictsort(of, given) {
    const [cased = false, by = "key", reverse = false] = bind(
      "dictsort",
      given,
      [],
      ["case_sensitive", "by", "reverse"],
    );
    if (by !== "key" && by !== "value")
      throw new TemplateFailure('FilterArgumentError: You can only sort by either "key" or "value"');
    if (!(of instanceof Dict)) throw new TemplateFailure("TypeError: dictsort needs a mapping");
    const pairs = of.entries().map((entry) => new Tuple(entry));
    const key = (pair: Value) => folded((pair as Tuple).items[by === "key" ? 0 : 1]!, cased);
    return sorted(pairs, key, isTrue(reverse));
  },
  min: extreme("min", (order) => order < 0),
  max: extreme("max", (order) => order > 0),
  unique(of, given, { budget }) {
    const [cased = false, attribute = null] = bind("unique", given, [], ["case_sensitive", "attribute"]);
    const get = getter(attribute, budget);
    const seen: Value[] = [];
    return new Once(
      iterate(of).filter((item) => {
        const key = folded(get(item), cased);
        if (seen.some((one) => isEqual(one, key))) return false;
        seen.push(key);
        return true;
      }),
    );
  },
  groupby(of, given, { budget }) {
    const [attribute, otherwise, cased = false] = bind(
      "groupby",
      given,
      ["attribute"],
      ["default", "case_sensitive"],
    );
    const get = getter(attribute!, budget, otherwise);
    const key = (item: Value) => folded(get(item), cased);
    const groups: { readonly key: Value; readonly name: Value; readonly items: Value[] }[] = [];
    for (const item of sorted(iterate(of), key, false)) {
      const last = groups.at(-1);
      if (last && isEqual(last.key, key(item))) last.items.push(item);
      else groups.push({ key: key(item), name: get(item), items: [item] });
    }
    return groups.map(({ name, items }) => new Tuple([name, items]));
  },
};
