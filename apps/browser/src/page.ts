const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

const form = element<HTMLFormElement>("form");
const prompt = element<HTMLTextAreaElement>("prompt");
const start = element<HTMLButtonElement>("start");
const stop = element<HTMLButtonElement>("stop");
const status = element("status");
const story = element("story");

/** What the page shows, in the words of what happens. */
export const page = {
  say(text: string): void {
    status.textContent = text;
  },

  wait(): void {
    start.disabled = true;
    document.body.dataset.state = "loading";
    page.say("Loading the model…");
  },

  ready(text: string): void {
    start.disabled = false;
    stop.disabled = true;
    document.body.dataset.state = "ready";
    page.say(text);
  },

  begin(beginning: string): void {
    start.disabled = true;
    stop.disabled = false;
    document.body.dataset.state = "telling";
    story.hidden = false;
    const given = document.createElement("b");
    given.textContent = beginning;
    story.replaceChildren(given);
    page.say("Telling…");
  },

  add(text: string): void {
    story.append(text);
  },

  /** Another try may go well: what failed may have been the network, or memory that something else took. */
  fail(error: unknown): void {
    start.disabled = false;
    stop.disabled = true;
    document.body.dataset.state = "failed";
    page.say(error instanceof Error ? error.message : String(error));
  },

  /** Calls `tell` for each story that is asked for, with a signal that the Stop button gives. */
  onStart(tell: (prompt: string, signal: AbortSignal) => Promise<void>): void {
    let controller = new AbortController();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (document.body.dataset.state === "telling") return;
      controller = new AbortController();
      void tell(prompt.value.trim(), controller.signal);
    });
    prompt.addEventListener("keydown", (event) => {
      // Enter with shift begins a line, and in other writing systems Enter may end a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!start.disabled) form.requestSubmit();
    });
    stop.addEventListener("click", () => controller.abort());
  },
};
