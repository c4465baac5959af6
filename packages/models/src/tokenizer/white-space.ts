/** White space as Rust counts it, in which Hugging Face's library is written: U+0085 is one, U+FEFF is none. */
const SPACE = /\p{White_Space}/u;

// By loops, for an expression that ends in `$` looks at each run of spaces once for each of them.

export function trimStart(text: string): string {
  let start = 0;
  while (start < text.length && SPACE.test(text.charAt(start))) start += 1;
  return text.slice(start);
}

export function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
