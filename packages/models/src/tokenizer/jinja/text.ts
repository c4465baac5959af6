/** Python's notions of white space, case and lines, where JavaScript's differ. */

/** Characters that `str.isspace` accepts: unlike JavaScript's, with U+001C to U+001F and U+0085, without U+FEFF. */
const SPACE =
  "\t\n\v\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";
export const isSpace = (character: string): boolean => SPACE.includes(character);

/** `str.strip` and its one-sided forms; white space where no characters are given. */
export function strip(text: string, characters: string | undefined, side: "left" | "right" | "both"): string {
  const set = new Set(characters ?? SPACE);
  const points = Array.from(text);
  let [from, to] = [0, points.length];
  if (side !== "right") while (from < to && set.has(points[from]!)) from++;
  if (side !== "left") while (to > from && set.has(points[to - 1]!)) to--;
  return points.slice(from, to).join("");
}

/** The words of `str.split()`: at most `limit` cuts, taken from the left or from the right. */
export function splitWords(text: string, limit: number, side: "left" | "right"): string[] {
  const words: string[] = [];
  let rest = strip(text, undefined, side === "left" ? "left" : "right");
  while (rest !== "") {
    const points = Array.from(rest);
    const at = side === "left" ? points.findIndex(isSpace) : points.findLastIndex(isSpace);
    if (at < 0 || words.length === limit) {
      words.push(strip(rest, undefined, side === "left" ? "right" : "left"));
      break;
    }
    words.push((side === "left" ? points.slice(0, at) : points.slice(at + 1)).join(""));
    rest = strip((side === "left" ? points.slice(at) : points.slice(0, at)).join(""), undefined, side);
  }
  if (side === "left") return limitLeft(text, words, limit);
  return words.reverse();
}

/** The last piece of a limited split keeps the white space at its end. */
function limitLeft(text: string, words: string[], limit: number): string[] {
  if (words.length !== limit + 1) return words;
  let rest = strip(text, undefined, "left");
  for (const word of words.slice(0, -1)) rest = strip(rest.slice(word.length), undefined, "left");
  return [...words.slice(0, -1), rest];
}

/** `str.split(separator)` and `str.rsplit(separator)`, with at most `limit` cuts. */
export function splitAt(text: string, separator: string, limit: number, side: "left" | "right"): string[] {
  const parts = text.split(separator);
  if (parts.length <= limit + 1) return parts;
  return side === "left"
    ? [...parts.slice(0, limit), parts.slice(limit).join(separator)]
    : [parts.slice(0, parts.length - limit).join(separator), ...parts.slice(parts.length - limit)];
}

const LINE_END = new RegExp(`(\r\n|[\n\v\f\r${"\u001c\u001d\u001e"}\u0085\u2028\u2029])`);

/** `str.splitlines`. */
export function splitLines(text: string, keepEnds: boolean): string[] {
  const parts = text.split(LINE_END);
  const lines: string[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const end = parts[i + 1];
    if (end === undefined && parts[i] === "") break;
    lines.push(parts[i]! + (keepEnds ? (end ?? "") : ""));
  }
  return lines;
}

/** Letters whose title case is not their upper case. */
const TITLE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["DŽ:ǅ", "LJ:ǈ", "NJ:ǋ", "DZ:ǲ"].flatMap((pair) => {
      const [, title = ""] = pair.split(":");
      return [title, title.toUpperCase(), title.toLowerCase()].map((letter) => [letter, title]);
    }),
  ),
};

function titleLetter(letter: string): string {
  if (Object.hasOwn(TITLE, letter)) return TITLE[letter]!;
  // Georgian has capitals for whole words alone.
  if (/^[\u10d0-\u10ff]$/.test(letter)) return letter;
  const [first = "", ...rest] = Array.from(letter.toUpperCase());
  return first + rest.join("").toLowerCase();
}

/** `str.capitalize`. */
export function capitalize(text: string): string {
  const [first, ...rest] = Array.from(text);
  return first === undefined ? "" : titleLetter(first) + lower(rest.join(""), true);
}

/** `str.lower`; a sigma that ends a word has its own form, which JavaScript knows when it sees the whole word. */
const lower = (text: string, inWord: boolean): string =>
  inWord && text.startsWith("Σ") ? `a${text}`.toLowerCase().slice(1) : text.toLowerCase();

/** `str.title`: a letter behind one that has no case begins a word. */
export function title(text: string): string {
  return text.replace(/\p{Cased}+/gu, (word) => {
    const [first = "", ...rest] = Array.from(word);
    return titleLetter(first) + lower(rest.join(""), true);
  });
}

/** `str.swapcase`. */
export const swapCase = (text: string): string =>
  Array.from(text, (letter) => {
    const small = letter.toLowerCase();
    return letter === small ? letter.toUpperCase() : small;
  }).join("");
