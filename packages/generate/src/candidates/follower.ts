/** Where a row stands with an assistant. */
export interface Follower {
  /** Tokens from the row's start that the assistant's states hold. */
  known: number;
  /** Tokens from the row's start that have keys and values in its caches, or are hidden. */
  cached: number;
  /** Tokens from the row's start among which all that are to be hidden were found. */
  searched: number;
  /** Positions of hidden tokens, ascending. */
  readonly hidden: number[];
  /** Steps run for the last drafts. */
  steps: number;
  /** How likely each of the last drafts was. */
  confidences: number[];
}

/** A row of so many prompt tokens, of which all but the last are in the assistant's caches. */
export const followerOf = (length: number): Follower => ({
  known: length,
  cached: length - 1,
  searched: length,
  hidden: [],
  steps: 0,
  confidences: [],
});

/**
 * Hides generated pad tokens from an assistant, as Hugging Face does, which infers the assistant's attention mask from
 * its ids: a pad token has no keys and values, but keeps its position. Where it was a draft, those of tokens behind it
 * are to be decoded anew, one slot earlier.
 */
export function hide(follower: Follower, ids: readonly number[], token: number | undefined): void {
  for (; follower.searched < ids.length; follower.searched++)
    if (ids[follower.searched] === token) {
      follower.hidden.push(follower.searched);
      follower.cached = Math.min(follower.cached, follower.searched);
    }
}

/** Passes over hidden tokens; how many tokens behind them, before the one at `end`, lie side by side in the caches. */
export function nextRun(follower: Follower, end: number): number {
  while (follower.hidden.includes(follower.cached)) follower.cached += 1;
  const next = follower.hidden.find((at) => at > follower.cached) ?? end;
  return Math.max(0, Math.min(next, end) - follower.cached);
}

/** Hidden tokens before where the caches end. */
export const hiddenBefore = ({ hidden, cached }: Follower): number =>
  hidden.filter((at) => at < cached).length;

/** The position of the row's last token where it is hidden itself, and -1 where it is not. */
export const unkept = ({ hidden, known }: Follower): number => (hidden.at(-1) === known - 1 ? known - 1 : -1);

/** Takes so many drafts as right: the last draft itself was never decoded, and what follows a wrong one is of no use. */
export function settle(follower: Follower, accepted: number): void {
  if (follower.steps > 0) follower.cached = follower.known + Math.min(accepted, follower.steps - 1);
  follower.known += accepted;
}
