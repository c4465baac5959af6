import { bind, integerOf } from "../arguments.ts";
import { isEqual } from "../operators.ts";
import { reprOf } from "../print.ts";
import { isList, TemplateFailure, type Tuple, type Value } from "../values.ts";
import type { Methods } from "./methods.ts";

type Sequence = readonly Value[] | Tuple;

const itemsOf = (self: Sequence): readonly Value[] => (isList(self) ? self : self.items);
const changes = (name: string): string =>
  `SecurityError: access to attribute '${name}' of 'list' object is unsafe.`;

/** Methods of Python's list and tuple; those that would change a list are refused, as in transformers' sandbox. */
export const LIST_METHODS: Methods<Sequence> = {
  count(self, given) {
    const [item] = bind("count", given, ["value"]);
    return BigInt(itemsOf(self).filter((one) => isEqual(one, item!)).length);
  },
  index(self, given) {
    const [item, start = 0n, stop] = bind("index", given, ["value"], ["start", "stop"]);
    const items = itemsOf(self);
    const end = stop === undefined ? items.length : integerOf(stop, "index");
    const found = items
      .slice(0, end)
      .findIndex((one, i) => i >= integerOf(start, "index") && isEqual(one, item!));
    if (found < 0) throw new TemplateFailure(`ValueError: ${reprOf(item!)} is not in list`);
    return BigInt(found);
  },
  copy: (self) => [...itemsOf(self)],
  ...Object.fromEntries(
    ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"].map((name) => [
      name,
      changes(name),
    ]),
  ),
};
