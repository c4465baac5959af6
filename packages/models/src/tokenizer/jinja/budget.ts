import { FusewireError } from "@fusewire/ir";

/** What one rendering may take. Chat templates come from strangers, and none that is honest comes near. */
const STEPS = 5_000_000;
const CHARACTERS = 50_000_000;
const DEPTH = 400;

/** Counts what a rendering takes, and ends it where that is too much. */
export interface Budget {
  /** A node of the template is evaluated. */
  readonly step: () => void;
  /** Items of a list, or characters of a text, are about to be made. */
  readonly make: (count: number) => void;
  /** Runs something that may call itself. */
  readonly within: <T>(body: () => T) => T;
}

export function createBudget(): Budget {
  let steps = 0;
  let made = 0;
  let depth = 0;
  return {
    step() {
      if (++steps > STEPS) throw spent(`more than ${STEPS} steps`);
    },
    make(count) {
      made += count;
      if (made > CHARACTERS) throw spent(`more than ${CHARACTERS} characters`);
    },
    within(body) {
      if (depth >= DEPTH) throw spent(`more than ${DEPTH} levels of calls`);
      depth++;
      try {
        return body();
      } finally {
        depth--;
      }
    },
  };
}

const spent = (what: string): FusewireError =>
  new FusewireError(`the chat template was stopped: it takes ${what}; pass another chat_template`);
