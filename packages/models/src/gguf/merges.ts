/**
 * The merges of a SentencePiece vocabulary, best score first: each way to make a token of two others, as
 * `generate_merges` of transformers finds them.
 */
export function mergesOf(
  tokens: readonly string[],
  scores: readonly number[],
): (readonly [string, string])[] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const found: { readonly left: string; readonly right: string; readonly score: number }[] = [];
  for (const [id, token] of tokens.entries()) {
    const letters = [...token];
    const own: typeof found = [];
    for (let cut = 1; cut < letters.length; cut++) {
      const [left, right] = [letters.slice(0, cut).join(""), letters.slice(cut).join("")];
      if (ids.has(left) && ids.has(right)) own.push({ left, right, score: scores[id] ?? 0 });
    }
    own.sort((a, b) => ids.get(a.left)! - ids.get(b.left)! || ids.get(a.right)! - ids.get(b.right)!);
    found.push(...own);
  }
  const length = (text: string): number => [...text].length;
  found.sort(
    (a, b) => b.score - a.score || length(b.left) - length(a.left) || length(b.right) - length(a.right),
  );
  return found.map(({ left, right }) => [left, right] as const);
}
