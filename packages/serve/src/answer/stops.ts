/** Looks for texts at which an answer ends, in pieces of it. */
export interface Stops {
  /** The part of the text so far that is final, and which one was found, before which the text ends. */
  push(piece: string): { readonly out: string; readonly found: string | undefined };
  /** What was held back, since it might have been the beginning of one. */
  end(): string;
}

/** With `kept` a stop text stays, with whatever its last piece holds behind it. */
export function createStops(stops: readonly string[], kept = false): Stops {
  let held = "";
  return {
    push(piece) {
      held += piece;
      const places = stops.map((stop) => ({ stop, at: held.indexOf(stop) })).filter(({ at }) => at >= 0);
      const [first] = places.sort((a, b) => a.at - b.at);
      if (first) {
        const out = kept ? held : held.slice(0, first.at);
        held = "";
        return { out, found: first.stop };
      }
      const keep = Math.max(0, ...stops.map((stop) => overlap(held, stop)));
      const out = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return { out, found: undefined };
    },
    end() {
      const rest = held;
      held = "";
      return rest;
    },
  };
}

/** Characters at the text's end that begin the stop text. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--)
    if (text.endsWith(stop.slice(0, length))) return length;
  return 0;
}
