/** Filters over the items of a sequence. */

import { bind, integerOf, softText } from "../arguments.ts";
import { iterate } from "../operators.ts";
import { strOf } from "../print.ts";
import { codePoints, Escaped, firstGiven, Once, TemplateFailure, Undefined, type Value } from "../values.ts";
import type { Filters } from "./filter.ts";
import { getter } from "./getter.ts";

const none = (what: string): Undefined => new Undefined(`No ${what} item, sequence was empty.`);

export const SEQUENCE_FILTERS: Filters = {
  first(of) {
    // A generator keeps the rest.
    if (of instanceof Once) return firstGiven(of.take(), none("first"))!;
    return firstGiven(iterate(of)[0], none("first"))!;
  },
  last(of) {
    if (of instanceof Once) throw new TemplateFailure("TypeError: 'generator' object is not reversible");
    return firstGiven(iterate(of).at(-1), none("last"))!;
  },
  list: (of) => [...iterate(of)],
  join(of, given, { budget }) {
    const [separator = "", attribute = null] = bind("join", given, [], ["d", "attribute"]);
    const items = iterate(of).map(getter(attribute, budget));
    if (items.some((item) => item instanceof Escaped))
      throw new TemplateFailure("escaped texts are joined, which is not built; escape what is joined");
    const joined = items.map(strOf).join(softText(separator));
    budget.make(joined.length);
    return joined;
  },
  reverse(of) {
    if (typeof of === "string") return codePoints(of).reverse().join("");
    return new Once([...iterate(of)].reverse());
  },
  batch(of, given) {
    const [count, fill = null] = bind("batch", given, ["linecount"], ["fill_with"]);
    const size = integerOf(count!, "batch");
    const batches: Value[][] = [];
    for (const item of iterate(of)) {
      if (batches.length === 0 || batches.at(-1)!.length === size) batches.push([]);
      batches.at(-1)!.push(item);
    }
    const last = batches.at(-1);
    if (last && fill !== null) while (last.length < size) last.push(fill);
    return new Once(batches);
  },
  slice(of, given) {
    const [count, fill = null] = bind("slice", given, ["slices"], ["fill_with"]);
    const items = iterate(of);
    const slices = integerOf(count!, "slice");
    const [size, longer] = [Math.floor(items.length / slices), items.length % slices];
    return new Once(
      Array.from({ length: slices }, (_, i) => {
        const start = i * size + Math.min(i, longer);
        const part = items.slice(start, start + size + (i < longer ? 1 : 0));
        return fill !== null && i >= longer && longer > 0 ? [...part, fill] : part;
      }),
    );
  },
};
