import { bind } from "../arguments.ts";
import { Dict, DictView, firstGiven, Tuple } from "../values.ts";
import type { Methods } from "./methods.ts";

const changes = (name: string): string =>
  `SecurityError: access to attribute '${name}' of 'dict' object is unsafe.`;

/** Methods of Python's dict; those that would change it are refused, as in transformers' sandbox. */
export const DICT_METHODS: Methods<Dict> = {
  get(self, given) {
    const [key, otherwise = null] = bind("get", given, ["key"], ["default"]);
    return firstGiven(self.get(key!), otherwise)!;
  },
  keys: (self) => new DictView("dict_keys", self.keys()),
  values: (self) => new DictView("dict_values", self.values()),
  items: (self) =>
    new DictView(
      "dict_items",
      self.entries().map((entry) => new Tuple(entry)),
    ),
  copy: (self) => Dict.of(self.entries()),
  fromkeys: "dict.fromkeys is not built",
  ...Object.fromEntries(
    ["clear", "pop", "popitem", "setdefault", "update"].map((name) => [name, changes(name)]),
  ),
};
