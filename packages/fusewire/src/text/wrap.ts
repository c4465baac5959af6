import { cellsOf } from "./cells.ts";

/** Breaks text at spaces as it comes, so that no word is cut where the terminal ends. */
export interface Wrapper {
  push(text: string): string;
  /** What was held back. */
  end(): string;
}

/** A wrapper to `width` columns. A word longer than a line stays whole. */
export function createWrapper(width: number, indent = ""): Wrapper {
  let column = 0;
  let spaces = "";
  let word = "";

  const flush = (): string => {
    if (word === "") return "";
    const breaks = column > indent.length && column + spaces.length + cellsOf(word) > width;
    const lead = breaks ? `\n${indent}` : spaces;
    column = (breaks ? indent.length : column + spaces.length) + cellsOf(word);
    const piece = lead + word;
    spaces = "";
    word = "";
    return piece;
  };

  return {
    push(text) {
      let out = "";
      for (const character of text) {
        if (character === "\n") {
          out += `${flush()}\n`;
          column = 0;
          spaces = "";
        } else if (character === " ") {
          out += flush();
          spaces += character;
        } else word += character;
      }
      return out;
    },
    end: flush,
  };
}

/** `text` broken into lines of `width` columns; lines after the first begin with `indent`. */
export function wrap(text: string, width: number, indent = ""): string {
  const wrapper = createWrapper(width, indent);
  return wrapper.push(text) + wrapper.end();
}
