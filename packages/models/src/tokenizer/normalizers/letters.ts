/** Lower case letter by letter, as Rust's `char::to_lowercase` has it: no letter looks at its neighbours, as a final sigma would. */
export const lowercase = (text: string): string =>
  Array.from(text, (letter) => letter.toLowerCase()).join("");
