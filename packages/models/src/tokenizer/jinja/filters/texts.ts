/** Filters over texts. */

import { bind, integerOf, softText, textOf } from "../arguments.ts";
import { formatPercent } from "../format.ts";
import { centre, replace } from "../methods/text.ts";
import { isTrue, iterate } from "../operators.ts";
import { capitalize, splitAt, splitLines, strip } from "../text.ts";
import { codePoints, Dict, isList, TemplateFailure, Tuple, type Value } from "../values.ts";
import type { Filter, Filters } from "./filter.ts";

const change =
  (name: string, of: (text: string) => string): Filter =>
  (value, given) => {
    bind(name, given, []);
    return of(softText(value));
  };

/** What `urllib.parse.quote` leaves as it is: letters, digits, `_.-~`, and what is safe beside them. */
function quoteUrl(text: string, safe: string): string {
  const bytes = new TextEncoder().encode(text);
  return Array.from(bytes, (byte) => {
    const letter = String.fromCharCode(byte);
    return /[\w.~-]/.test(letter) || safe.includes(letter)
      ? letter
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

const quotePair = (pair: Value): string => {
  const parts = iterate(pair).map((one) => quoteUrl(softText(one), " ").replaceAll(" ", "+"));
  if (parts.length !== 2) throw new TemplateFailure("ValueError: urlencode takes pairs of a key and a value");
  return parts.join("=");
};

export const TEXT_FILTERS: Filters = {
  upper: change("upper", (text) => text.toUpperCase()),
  lower: change("lower", (text) => text.toLowerCase()),
  capitalize: change("capitalize", capitalize),
  // Unlike the method: words begin behind spaces, hyphens and opening brackets.
  title: change("title", (text) =>
    text
      .split(/([-\s({[<]+)/)
      .map((word) => {
        const [first = "", ...rest] = codePoints(word);
        return first.toUpperCase() + rest.join("").toLowerCase();
      })
      .join(""),
  ),
  trim(of, given) {
    const [characters = null] = bind("trim", given, [], ["chars"]);
    return strip(softText(of), characters === null ? undefined : softText(characters), "both");
  },
  center(of, given, { budget }) {
    const [width = 80n] = bind("center", given, [], ["width"]);
    const text = softText(of);
    const room = integerOf(width, "center") - codePoints(text).length;
    if (room <= 0) return text;
    budget.make(room);
    const [left, right] = centre(room, text);
    return " ".repeat(left) + text + " ".repeat(right);
  },
  replace(of, given, { budget }) {
    const [old, fresh, count = null] = bind("replace", given, ["old", "new"], ["count"]);
    const most = count === null ? -1 : integerOf(count, "replace");
    return replace(softText(of), softText(old!), softText(fresh!), most, budget);
  },
  format(of, given, { budget }) {
    const { positional, named } = given;
    if (positional.length > 0 && named.size > 0)
      throw new TemplateFailure(
        "FilterArgumentError: can't handle positional and keyword arguments at the same time",
      );
    return formatPercent(softText(of), named.size > 0 ? Dict.of(named) : new Tuple(positional), budget);
  },
  indent(of, given, { budget }) {
    const [width = 4n, first = false, blank = false] = bind("indent", given, [], ["width", "first", "blank"]);
    const indention = typeof width === "string" ? width : " ".repeat(Math.max(0, integerOf(width, "indent")));
    const text = textOf(of, "indent");
    budget.make(text.split("\n").length * indention.length);
    const [head = "", ...rest] = isTrue(blank)
      ? `${text}\n`.split("\n").slice(0, -1)
      : splitLines(`${text}\n`, false);
    const lines = rest.map((line) => (line === "" && !isTrue(blank) ? line : indention + line));
    return (isTrue(first) ? indention : "") + [head, ...lines].join("\n");
  },
  striptags: change("striptags", (text) => {
    const plain = text.replace(/<!--.*?-->/gs, "").replace(/<.*?>/gs, "");
    const words = plain.split(/\s+/).filter((word) => word !== "");
    const NAMED: Readonly<Record<string, string>> = {
      amp: "&",
      lt: "<",
      gt: ">",
      quot: '"',
      apos: "'",
      nbsp: "\u00a0",
    };
    return words.join(" ").replace(/&(?:#(\d+)|#[xX]([\da-fA-F]+)|(\w+));/g, (whole, decimal, hex, name) => {
      if (name !== undefined && !Object.hasOwn(NAMED, name))
        throw new TemplateFailure(`the entity '${whole}' is not built in striptags`);
      return name !== undefined
        ? NAMED[name]!
        : String.fromCodePoint(decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16));
    });
  }),
  truncate(of, given) {
    const [length = 255n, kill = false, end = "...", leeway = null] = bind(
      "truncate",
      given,
      [],
      ["length", "killwords", "end", "leeway"],
    );
    const points = codePoints(textOf(of, "truncate"));
    const [most, mark] = [integerOf(length, "truncate"), softText(end)];
    if (points.length <= most + (leeway === null ? 5 : integerOf(leeway, "truncate"))) return points.join("");
    const kept = points.slice(0, most - codePoints(mark).length).join("");
    return (isTrue(kill) ? kept : splitAt(kept, " ", 1, "right")[0]!) + mark;
  },
  urlencode(of) {
    if (of instanceof Dict)
      return of
        .entries()
        .map((pair) => quotePair(new Tuple(pair)))
        .join("&");
    if (isList(of) || of instanceof Tuple) return iterate(of).map(quotePair).join("&");
    return quoteUrl(softText(of), "/");
  },
  wordcount: (of) => BigInt(softText(of).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0),
  wordwrap(of, given) {
    const [width = 79n, long = true, line = null, hyphens = true] = bind(
      "wordwrap",
      given,
      [],
      ["width", "break_long_words", "wrapstring", "break_on_hyphens"],
    );
    const text = softText(of);
    const room = integerOf(width, "wordwrap");
    const words = text.split(/\s+/);
    if ((isTrue(hyphens) && /\w-/.test(text)) || words.some((word) => codePoints(word).length > room))
      throw new TemplateFailure("the filter 'wordwrap' is not built for words that it would cut");
    void long;
    const end = line === null ? "\n" : softText(line);
    return splitLines(text, false)
      .map((one) => wrapLine(one, room).join(end))
      .join(end);
  },
};

/** A line's words, as many to each part as fit; white space at the ends of parts goes. */
function wrapLine(line: string, room: number): string[] {
  const parts: string[] = [];
  let part = "";
  for (const [, space = "", word = ""] of line.matchAll(/(\s*)(\S+)/g)) {
    const longer = part === "" && parts.length > 0 ? word : part + space + word;
    if (codePoints(longer).length <= room || part === "") part = longer;
    else {
      parts.push(part);
      part = word;
    }
  }
  return part === "" ? parts : [...parts, part];
}
