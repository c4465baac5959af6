/**
 * The known name that an unknown one was probably meant to be: a few letters apart, or the same words with some left
 * out or added, such as `max_tokens` for `max_new_tokens`. Undefined where none is close.
 */
export function closestName(name: string, known: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const one of known) {
    const distance = distanceOf(plain(name), plain(one));
    if (distance < (best?.distance ?? Infinity)) best = { name: one, distance };
  }
  return best?.name;
}

/** How an error about an unknown option goes on: with the option that was probably meant, or else with all there are. */
export function optionsInstead(name: string, known: readonly string[]): string {
  const closest = closestName(name, known);
  return closest === undefined ? `options are ${known.join(", ")}` : `did you mean '${closest}'?`;
}

/** Spellings of the same name: snake_case, kebab-case, camelCase. */
const plain = (name: string): string =>
  name
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();

/** Infinity for names that have nothing to do with each other. */
function distanceOf(a: string, b: string): number {
  const letters = editDistance(a, b);
  if (letters <= Math.max(1, Math.min(a.length, b.length) / 4)) return letters;
  const [few, many] = [a.split("_"), b.split("_")].sort((x, y) => x.length - y.length);
  const shared = few!.length > 1 && few!.every((word) => many!.includes(word));
  return shared ? letters : Infinity;
}

/** Levenshtein's distance: letters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === other ? 0 : 1)));
    row = next;
  }
  return row.at(-1)!;
}
