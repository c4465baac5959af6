import { streamText } from "fusewire";
import { loadTeller, type Teller } from "./model.ts";
import { OPTIONS } from "./options.ts";
import { page } from "./page.ts";

try {
  const teller = await loadTeller((done) => page.say(`Loading the model… ${Math.round(done * 100)} %`));
  page.ready(`Ready on ${teller.model.device}`);
  page.onStart((prompt, signal) => tell(teller, prompt, signal));
} catch (error) {
  page.fail(error);
}

async function tell({ model, tokenizer }: Teller, prompt: string, signal: AbortSignal): Promise<void> {
  page.begin(prompt);
  const story = streamText(model, tokenizer, prompt, { ...OPTIONS, signal });
  try {
    for (;;) {
      const { done, value } = await story.next();
      if (done) {
        const { new_tokens, tokens_per_second } = value.stats;
        return page.ready(`${new_tokens} tokens, ${tokens_per_second.toFixed(1)} a second`);
      }
      page.add(value);
    }
  } catch (error) {
    if (signal.aborted) page.ready("Stopped");
    else page.fail(error);
  }
}
