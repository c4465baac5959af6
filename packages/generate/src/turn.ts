/** What there is to wait with: Node, browsers by their scheduler, all others. */
interface Timers {
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly scheduler?: { readonly yield?: () => Promise<void> };
}

// A display frame: what waits never waits longer, and steps of a few milliseconds pay next to nothing.
const LONGEST = 16;

/**
 * A function that now and then gives the event loop a turn. Engines that compute on this thread resolve their
 * promises without one, so that no timer, signal, key or abort would be seen before the last token.
 */
export function createTurns(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < LONGEST) return;
    await turn();
    last = performance.now();
  };
}

function turn(): Promise<void> {
  const { setImmediate, scheduler } = globalThis as Timers;
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve));
  return scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve));
}
