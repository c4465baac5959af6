/** What Node, Deno and Bun have to wait with, and pages have not. */
interface Timers {
  readonly setImmediate?: (callback: () => void) => unknown;
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

/**
 * In a page a message to itself, which waits its turn among timers, messages and frames. Continuations of
 * `scheduler.yield` go before all of them, and timers within timers wait 4 ms each.
 */
function turn(): Promise<void> {
  const { setImmediate } = globalThis as Timers;
  return new Promise((resolve) => {
    if (setImmediate) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
