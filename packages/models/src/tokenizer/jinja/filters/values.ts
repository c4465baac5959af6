/** Filters over any value. */

import { ownAttribute } from "../access.ts";
import { bind, integerOf, softText, textOf } from "../arguments.ts";
import { toJson } from "../json.ts";
import { isTrue, iterate, lengthOf, missingItem, undefinedError } from "../operators.ts";
import { Dict, Escaped, firstGiven, Once, TemplateFailure, Tuple, Undefined, type Value } from "../values.ts";
import type { Filter, Filters } from "./filter.ts";

const otherwise: Filter = (of, given) => {
  const [fallback = "", falsy = false] = bind("default", given, [], ["default_value", "boolean"]);
  return of instanceof Undefined || (isTrue(falsy) && !isTrue(of)) ? fallback : of;
};

const length: Filter = (of) => BigInt(lengthOf(of));

const escapeHtml: Filter = (of) =>
  of instanceof Escaped
    ? of
    : new Escaped(
        softText(of)
          .replaceAll("&", "&amp;")
          .replaceAll(">", "&gt;")
          .replaceAll("<", "&lt;")
          .replaceAll("'", "&#39;")
          .replaceAll('"', "&#34;"),
      );

export const VALUE_FILTERS: Filters = {
  default: otherwise,
  d: otherwise,
  length,
  count: length,
  string: (of) => (of instanceof Escaped ? of : softText(of)),
  safe: (of) => (of instanceof Escaped ? of : new Escaped(softText(of))),
  escape: escapeHtml,
  e: escapeHtml,
  forceescape: escapeHtml,
  attr(of, given, { budget }) {
    if (of instanceof Undefined) throw undefinedError(of);
    const name = textOf(bind("attr", given, ["name"])[0]!, "attr");
    return firstGiven(ownAttribute(of, name, budget), missingItem(of, name))!;
  },
  items(of) {
    if (of instanceof Undefined) return new Once([]);
    if (!(of instanceof Dict))
      throw new TemplateFailure("TypeError: Can only get item pairs from a mapping.");
    return new Once(of.entries().map((entry) => new Tuple(entry)));
  },
  tojson(of, given) {
    const [ascii = false, indent = null, separators = null, sort = false] = bind(
      "tojson",
      given,
      [],
      ["ensure_ascii", "indent", "separators", "sort_keys"],
    );
    return toJson(of, {
      ensureAscii: isTrue(ascii),
      indent: indentOf(indent),
      separators: separatorsOf(separators, indent),
      sortKeys: isTrue(sort),
    });
  },
};

const indentOf = (indent: Value): string | null =>
  indent === null || typeof indent === "string"
    ? indent
    : " ".repeat(Math.max(0, integerOf(indent, "tojson")));

function separatorsOf(separators: Value, indent: Value): readonly [string, string] {
  if (separators === null) return [indent === null ? ", " : ",", ": "];
  const [item, key] = iterate(separators).map((one) => textOf(one, "tojson"));
  if (item === undefined || key === undefined)
    throw new TemplateFailure("ValueError: separators of tojson are two texts");
  return [item, key];
}
