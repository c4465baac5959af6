import { streamText } from "fusewire";
import { isolate } from "./isolate.ts";
import { loadTeller, type Teller } from "./model.ts";
import { storyOptions } from "./options.ts";
import { page } from "./page.ts";

let teller: Teller | undefined;
let stories = 0;

// A page that is about to be loaded again need not load a model.
if (!(await isolate())) {
  page.onStart(tell);
  await load();
}

/** Loads the model unless it is there; says whether it is. */
async function load(): Promise<Teller | undefined> {
  page.wait();
  try {
    teller ??= await loadTeller((done) => page.say(`Loading the model… ${Math.round(done * 100)} %`));
    page.ready(`Ready on ${teller.model.device}`);
  } catch (error) {
    page.fail(error);
  }
  return teller;
}

async function tell(prompt: string, signal: AbortSignal): Promise<void> {
  const loaded = teller ?? (await load());
  if (!loaded) return;
  const { model, tokenizer } = loaded;
  const seed = stories++;
  page.begin(prompt);
  const story = streamText(model, tokenizer, prompt, { ...storyOptions(seed), signal });
  try {
    for (;;) {
      const { done, value } = await story.next();
      if (done) {
        const { new_tokens, tokens_per_second } = value.stats;
        const drawn = seed === 0 ? "" : `, seed ${seed}`;
        return page.ready(`${new_tokens} tokens, ${tokens_per_second.toFixed(1)} a second${drawn}`);
      }
      page.add(value);
    }
  } catch (error) {
    if (signal.aborted) page.ready("Stopped");
    else page.fail(error);
  }
}
