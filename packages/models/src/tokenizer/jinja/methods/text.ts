import { bind, integerOf, textOf } from "../arguments.ts";
import type { Budget } from "../budget.ts";
import { formatBraces } from "../format.ts";
import { iterate, sliceIndices } from "../operators.ts";
import { capitalize, isSpace, splitAt, splitLines, splitWords, strip, swapCase, title } from "../text.ts";
import { type Arguments, codePoints, TemplateFailure, Tuple, typeName, type Value } from "../values.ts";
import type { Methods } from "./methods.ts";

type Method = (self: string, given: Arguments, budget: Budget) => Value;

const plain =
  (name: string, change: (self: string) => Value): Method =>
  (self, given) => {
    bind(name, given, []);
    return change(self);
  };

const stripping =
  (name: string, side: "left" | "right" | "both"): Method =>
  (self, given) => {
    const [characters = null] = bind(name, given, [], ["chars"]);
    return strip(self, characters === null ? undefined : textOf(characters, name), side);
  };

const splitting =
  (name: string, side: "left" | "right"): Method =>
  (self, given) => {
    const [separator = null, most = -1n] = bind(name, given, [], ["sep", "maxsplit"]);
    const limit = integerOf(most, name) < 0 ? Number.POSITIVE_INFINITY : integerOf(most, name);
    if (separator === null) return splitWords(self, limit, side);
    if (separator === "") throw new TemplateFailure("ValueError: empty separator");
    return splitAt(self, textOf(separator, name), limit, side);
  };

/** `find` and its kin: where a text stands, in code points. */
const searching =
  (name: string, side: "left" | "right", otherwise: "-1" | "error"): Method =>
  (self, given) => {
    const [sought, start = null, stop = null] = bind(name, given, ["sub"], ["start", "end"]);
    const points = codePoints(self);
    const range = sliceIndices(points.length, [start, stop, null]);
    const from = range[0] ?? points.length;
    const within = range.map((i) => points[i]!).join("");
    const text = textOf(sought!, name);
    const at = side === "left" ? within.indexOf(text) : within.lastIndexOf(text);
    if (at >= 0) return BigInt(from + codePoints(within.slice(0, at)).length);
    if (otherwise === "error") throw new TemplateFailure("ValueError: substring not found");
    return -1n;
  };

const edge =
  (name: string, meets: (text: string, part: string) => boolean): Method =>
  (self, given) => {
    const [parts, start = null, stop = null] = bind(name, given, ["prefix"], ["start", "end"]);
    const points = codePoints(self);
    const text = sliceIndices(points.length, [start, stop, null])
      .map((i) => points[i]!)
      .join("");
    const all = parts instanceof Tuple ? parts.items : [parts!];
    return all.some((part) => {
      if (typeof part === "string") return meets(text, part);
      throw new TemplateFailure(
        `TypeError: ${name} first arg must be str or a tuple of str, not ${typeName(part)}`,
      );
    });
  };

const padding =
  (name: string, place: (room: number, self: string) => readonly [left: number, right: number]): Method =>
  (self, given, budget) => {
    const [width, fill = " "] = bind(name, given, ["width"], ["fillchar"]);
    const room = integerOf(width!, name) - codePoints(self).length;
    if (room <= 0) return self;
    budget.make(room);
    const [left, right] = place(room, self);
    const character = textOf(fill, name);
    return character.repeat(left) + self + character.repeat(right);
  };

/** Where a centred text has one character of room too many, Python puts it left for odd widths. */
export function centre(room: number, self: string): readonly [number, number] {
  const width = room + codePoints(self).length;
  const left = Math.floor(room / 2) + (room & width & 1);
  return [left, room - left];
}

const partitioning =
  (name: string, side: "left" | "right"): Method =>
  (self, given) => {
    const [separator] = bind(name, given, ["sep"]);
    const text = textOf(separator!, name);
    if (text === "") throw new TemplateFailure("ValueError: empty separator");
    const at = side === "left" ? self.indexOf(text) : self.lastIndexOf(text);
    if (at < 0) return new Tuple(side === "left" ? [self, "", ""] : ["", "", self]);
    return new Tuple([self.slice(0, at), text, self.slice(at + text.length)]);
  };

/** Whether every character is of a kind, and there is one. */
const every = (name: string, kind: RegExp | ((character: string) => boolean)): Method =>
  plain(name, (self) => {
    const meets = typeof kind === "function" ? kind : (character: string) => kind.test(character);
    return self !== "" && codePoints(self).every(meets);
  });

const CASED = /\p{Cased}/u;

/** Methods of Python's str. */
export const TEXT_METHODS: Methods<string> = {
  capitalize: plain("capitalize", capitalize),
  // Letter by letter, so that no sigma takes the form of a word's end; a dotless i folds to itself.
  casefold: plain("casefold", (self) =>
    Array.from(self, (letter) => (letter === "ı" ? letter : letter.toUpperCase().toLowerCase())).join(""),
  ),
  center: padding("center", centre),
  count(self, given) {
    const [part] = bind("count", given, ["sub"]);
    const text = textOf(part!, "count");
    return BigInt(text === "" ? codePoints(self).length + 1 : self.split(text).length - 1);
  },
  encode: "str.encode is not built: templates make texts",
  endswith: edge("endswith", (text, part) => text.endsWith(part)),
  expandtabs: "str.expandtabs is not built",
  find: searching("find", "left", "-1"),
  format: (self, given, budget) => formatBraces(self, given, budget),
  format_map: "str.format_map is not built; use format",
  index: searching("index", "left", "error"),
  isalnum: every("isalnum", /[\p{L}\p{N}]/u),
  isalpha: every("isalpha", /\p{L}/u),
  isascii: plain("isascii", (self) => codePoints(self).every((character) => character <= "\u007f")),
  isdecimal: every("isdecimal", /\p{Nd}/u),
  isdigit: every("isdigit", /[\p{Nd}\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468]/u),
  isidentifier: plain("isidentifier", (self) => /^[\p{XIDS}_][\p{XIDC}]*$/u.test(self)),
  islower: plain("islower", (self) => CASED.test(self) && self === self.toLowerCase()),
  isnumeric: every("isnumeric", /\p{N}/u),
  isprintable: plain("isprintable", (self) =>
    codePoints(self).every((character) => character === " " || !/[\p{C}\p{Z}]/u.test(character)),
  ),
  isspace: every("isspace", isSpace),
  istitle: plain("istitle", (self) => CASED.test(self) && self === title(self)),
  isupper: plain("isupper", (self) => CASED.test(self) && self === self.toUpperCase()),
  join(self, given, budget) {
    const [items] = bind("join", given, ["iterable"]);
    const texts = iterate(items!).map((item, i) => {
      if (typeof item === "string") return item;
      throw new TemplateFailure(
        `TypeError: sequence item ${i}: expected str instance, ${typeName(item)} found`,
      );
    });
    const joined = texts.join(self);
    budget.make(joined.length);
    return joined;
  },
  ljust: padding("ljust", (room) => [0, room]),
  lower: plain("lower", (self) => self.toLowerCase()),
  lstrip: stripping("lstrip", "left"),
  maketrans: "str.maketrans is not built",
  partition: partitioning("partition", "left"),
  removeprefix(self, given) {
    const prefix = textOf(bind("removeprefix", given, ["prefix"])[0]!, "removeprefix");
    return self.startsWith(prefix) ? self.slice(prefix.length) : self;
  },
  removesuffix(self, given) {
    const suffix = textOf(bind("removesuffix", given, ["suffix"])[0]!, "removesuffix");
    return suffix !== "" && self.endsWith(suffix) ? self.slice(0, -suffix.length) : self;
  },
  replace(self, given, budget) {
    const [old, fresh, count = -1n] = bind("replace", given, ["old", "new"], ["count"]);
    return replace(
      self,
      textOf(old!, "replace"),
      textOf(fresh!, "replace"),
      integerOf(count, "replace"),
      budget,
    );
  },
  rfind: searching("rfind", "right", "-1"),
  rindex: searching("rindex", "right", "error"),
  rjust: padding("rjust", (room) => [room, 0]),
  rpartition: partitioning("rpartition", "right"),
  rsplit: splitting("rsplit", "right"),
  rstrip: stripping("rstrip", "right"),
  split: splitting("split", "left"),
  splitlines(self, given) {
    const [keepEnds = false] = bind("splitlines", given, [], ["keepends"]);
    return splitLines(self, keepEnds === true);
  },
  startswith: edge("startswith", (text, part) => text.startsWith(part)),
  strip: stripping("strip", "both"),
  swapcase: plain("swapcase", swapCase),
  title: plain("title", title),
  translate: "str.translate is not built",
  upper: plain("upper", (self) => self.toUpperCase()),
  zfill(self, given, budget) {
    const room = integerOf(bind("zfill", given, ["width"])[0]!, "zfill") - codePoints(self).length;
    if (room <= 0) return self;
    budget.make(room);
    const sign = /^[+-]/.exec(self)?.[0] ?? "";
    return sign + "0".repeat(room) + self.slice(sign.length);
  },
};

/** `str.replace`: `count` times at most, all where it is negative. */
export function replace(self: string, old: string, fresh: string, count: number, budget: Budget): string {
  const limit = count < 0 ? Number.POSITIVE_INFINITY : count;
  if (old !== "") {
    const parts = splitAt(self, old, limit, "left");
    budget.make(self.length + parts.length * fresh.length);
    return parts.join(fresh);
  }
  // An empty text stands before every character and at the end.
  const points = codePoints(self);
  budget.make(self.length + Math.min(limit, points.length + 1) * fresh.length);
  const before = points.map((character, i) => (i < limit ? fresh + character : character));
  return before.join("") + (points.length < limit ? fresh : "");
}
