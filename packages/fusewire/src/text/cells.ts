/** Characters that fill two columns: East Asian ones, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Characters that join the one before them, or show nothing. */
const EMPTY = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Columns that a text takes in a terminal. */
export function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text) cells += WIDE.test(character) ? 2 : EMPTY.test(character) ? 0 : 1;
  return cells;
}

/** The text without control characters, which a terminal would obey: models and their files are by strangers. */
export const printable = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, "");

/** The start of a text, in as many columns as there are. */
export function shorten(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text;
  let kept = "";
  for (const character of text) {
    if (cellsOf(kept + character) > cells - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
