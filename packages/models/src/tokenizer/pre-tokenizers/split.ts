/** What becomes of the places where a pattern matches, as in `SplitDelimiterBehavior` of Hugging Face's tokenizers. */
export const BEHAVIORS = [
  "Removed",
  "Isolated",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
] as const;
export type Behavior = (typeof BEHAVIORS)[number];

/** A run of a text, all of it a match of the pattern or none. */
interface Segment {
  readonly text: string;
  readonly isMatch: boolean;
}

/** Cuts a text where a pattern matches. `pattern` is global; with `invert` what lies between matches counts as one. */
export function splitText(text: string, pattern: RegExp, behavior: Behavior, invert = false): string[] {
  const segments: Segment[] = [];
  let done = 0;
  const push = (end: number, isMatch: boolean): void => {
    if (end > done) segments.push({ text: text.slice(done, end), isMatch: isMatch !== invert });
    done = end;
  };
  for (const { 0: match, index } of text.matchAll(pattern)) {
    push(index, false);
    push(index + match.length, true);
  }
  push(text.length, false);
  return join(segments, behavior);
}

function join(segments: readonly Segment[], behavior: Behavior): string[] {
  switch (behavior) {
    case "Removed":
      return segments.filter(({ isMatch }) => !isMatch).map((segment) => segment.text);
    case "Isolated":
      return segments.map((segment) => segment.text);
    case "Contiguous":
      return merge(segments, (before, segment) => before.isMatch === segment.isMatch);
    case "MergedWithPrevious":
      return merge(segments, (before, segment) => segment.isMatch && !before.isMatch);
    case "MergedWithNext":
      return merge(segments, (before, segment) => before.isMatch && !segment.isMatch);
  }
}

/** Joins neighbours. What decides is the kind of the two segments themselves, not of what they were joined into. */
function merge(
  segments: readonly Segment[],
  joins: (before: Segment, segment: Segment) => boolean,
): string[] {
  const pieces: string[] = [];
  for (const [i, segment] of segments.entries()) {
    const before = segments[i - 1];
    if (before && joins(before, segment)) pieces[pieces.length - 1] += segment.text;
    else pieces.push(segment.text);
  }
  return pieces;
}
