import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { Complete, Line, LineReader } from "../io.ts";

export interface LineSource {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream & { readonly columns?: number };
  /** Whether both are a terminal, with keys to edit the line and a history of lines. */
  readonly terminal: boolean;
  /** The signal of Ctrl+C where there are no keys to read it from. */
  readonly interrupts: () => AbortSignal;
  /** For the Tab key of a terminal. */
  readonly complete?: Complete;
}

/** Lines of a stream. At a terminal, Ctrl+C is a key like any other while this is open. */
export const createLineReader = (source: LineSource): LineReader =>
  source.terminal ? terminalReader(source) : pipeReader(source);

/** Waits for what has not come yet, and keeps what comes too early. */
function createQueue() {
  const early: Line[] = [];
  let waiting: ((line: Line) => void) | undefined;
  return {
    push(line: Line) {
      if (waiting) waiting(line);
      else early.push(line);
      waiting = undefined;
    },
    /** What has come already; the end stays where it is. */
    take: (): Line | undefined => (early[0]?.kind === "end" ? early[0] : early.shift()),
    wait: () =>
      new Promise<Line>((resolve) => {
        waiting = resolve;
      }),
  };
}

function pipeReader({ input, interrupts }: LineSource): LineReader {
  const queue = createQueue();
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on("line", (text) => queue.push({ kind: "line", text }));
  lines.on("close", () => queue.push({ kind: "end" }));
  let signal: AbortSignal | undefined;
  return {
    interactive: false,
    next: async () => queue.take() ?? queue.wait(),
    during(work) {
      signal ??= interrupts();
      return work(signal);
    },
    close: () => lines.close(),
  };
}

// Terminals then mark what is pasted, so that its line breaks do not send it.
const MARK_PASTES = "\u001b[?2004h";
const PASTES_AS_TYPED = "\u001b[?2004l";

function terminalReader({ input, output, complete }: LineSource): LineReader {
  const queue = createQueue();
  /** Keys are shown only while a line is awaited, for the rest of the time the screen is another's. */
  let shown = false;
  let pasting = false;
  /** Lines pasted before the one that is being edited. */
  let pasted: string[] = [];
  let closed = false;
  let stop: (() => void) | undefined;
  const gate = new Writable({
    write(chunk, _, done) {
      if (shown) output.write(chunk);
      // At once, though the terminal may not have taken it: what is written past this gate must come after.
      done();
    },
  });
  Object.defineProperty(gate, "columns", { get: () => output.columns });
  const onResize = () => void gate.emit("resize");
  const onKey = (_: unknown, key: { readonly name?: string } | undefined) => {
    if (key?.name === "paste-start") pasting = true;
    if (key?.name === "paste-end") pasting = false;
  };

  const lines = createInterface({
    ...{ input, output: gate, terminal: true, removeHistoryDuplicates: true },
    ...(complete && {
      completer: (line: string): [string[], string] => {
        const [found, part] = complete(line);
        return [[...found], part];
      },
    }),
  });
  const press = (name: string) => lines.write(null, { ctrl: true, name });
  output.on("resize", onResize);
  output.write(MARK_PASTES);
  input.on("keypress", onKey);
  lines.on("line", (text) => {
    pasted.push(text);
    if (pasting) return;
    shown = false;
    queue.push({ kind: "line", text: pasted.join("\n") });
    pasted = [];
  });
  lines.on("close", () => {
    closed = true;
    output.removeListener("resize", onResize);
    input.removeListener("keypress", onKey);
    output.write(PASTES_AS_TYPED);
    queue.push({ kind: "end" });
    stop?.();
  });
  lines.on("SIGINT", () => {
    if (stop) return stop();
    const dropped = lines.line !== "" || pasted.length > 0;
    // Below what was typed, not over it.
    press("e");
    output.write("^C\n");
    takeBack();
    queue.push({ kind: "interrupt", dropped });
  });
  /** Empties the line without a trace on the screen. */
  const takeBack = (): string[] => {
    shown = false;
    const taken = [...pasted, lines.line];
    pasted = [];
    press("e");
    press("u");
    return taken;
  };

  return {
    interactive: true,
    async next(prompt) {
      const early = queue.take();
      if (early?.kind === "line") output.write(`${prompt}${early.text}\n`);
      if (early || closed) return early ?? { kind: "end" };
      // What was begun unseen is typed again where it can be seen.
      const begun = takeBack();
      const last = begun.pop() ?? "";
      pasted = begun;
      if (begun.length > 0) output.write(`${prompt}${begun.join("\n")}\n`);
      shown = true;
      lines.setPrompt(begun.length > 0 ? "" : prompt);
      lines.prompt();
      lines.write(last);
      return queue.wait();
    },
    async during(work) {
      const controller = new AbortController();
      stop = () => controller.abort();
      if (closed) stop();
      try {
        return await work(controller.signal);
      } finally {
        stop = undefined;
      }
    },
    close: () => lines.close(),
  };
}
