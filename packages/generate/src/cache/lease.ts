import type { States } from "@fusewire/passes";
import type { CacheSize } from "../entries/context.ts";
import type { Runtime } from "../runtime.ts";
import { checkUsable, statesOf } from "./bind.ts";
import type { CacheHold } from "./hold.ts";

/** Gives `body` the memory of a cache that nobody else uses meanwhile; `end` notes what has become of it. */
export async function* withCache<T>(
  hold: CacheHold,
  runtime: Runtime,
  size: CacheSize,
  body: (states: States) => AsyncGenerator<T>,
  end: (finished: boolean) => void,
): AsyncGenerator<T> {
  checkUsable(hold, runtime);
  hold.status = "busy";
  try {
    const states = await statesOf(hold, runtime, size);
    let finished = false;
    try {
      yield* body(states);
      finished = true;
    } finally {
      end(finished);
    }
  } finally {
    hold.status = "free";
  }
}
