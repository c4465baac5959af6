import type { LoadProgress } from "@fusewire/generate";
import type { HubProgress } from "@fusewire/models";
import type { Output } from "../io.ts";
import { shorten } from "./cells.ts";
import { formatBytes, plural } from "./units.ts";

/** Shows how far downloads and loading are. */
export interface Progress {
  report(event: HubProgress | LoadProgress): void;
  /** Leaves no trace of a line that was still changing. */
  end(): void;
}

// What is over sooner is not worth a line.
const PATIENCE_MS = 300;
const GAP_MS = 100;
const LARGE_FILE = 50e6;

/** One line that changes at a terminal; elsewhere lines that stay, of what takes long. */
export const createProgress = (out: Output, now: () => number = () => performance.now()): Progress =>
  out.columns === undefined ? plainProgress(out) : liveProgress(out, now);

function liveProgress(out: Output, now: () => number): Progress {
  const files = new Map<string, HubProgress>();
  const started = now();
  let shown = 0;
  let line = false;
  return {
    report(event) {
      if ("file" in event) {
        files.set(event.file, event);
        if (event.status === "done" || event.status === "cached") files.delete(event.file);
      }
      const time = now();
      if (time - started < PATIENCE_MS || time - shown < GAP_MS) return;
      shown = time;
      line = true;
      const text = "file" in event ? filesLine([...files.values()]) : loadLine(event);
      out.write(`\r${shorten(text, Math.max(10, (out.columns ?? 80) - 1))}\u001b[K`);
    },
    end() {
      if (line) out.write("\r\u001b[K");
      line = false;
      files.clear();
    },
  };
}

function filesLine(files: readonly HubProgress[]): string {
  const first = files[0];
  if (!first) return "";
  const loaded = files.reduce((sum, file) => sum + file.loaded, 0);
  const total = files.reduce((sum, file) => sum + file.total, 0);
  const what = files.length === 1 ? first.file : plural(files.length, "file");
  return `${percent(loaded, total)} of ${formatBytes(total)}, ${VERBS[first.status]} ${what}`;
}

const VERBS: Readonly<Record<HubProgress["status"], string>> = {
  cached: "found",
  verify: "checking",
  wait: "another process downloads",
  download: "downloading",
  done: "downloaded",
};

const loadLine = ({ loaded, total }: LoadProgress): string =>
  `${percent(loaded, total)} of ${formatCount(total)} parameters loaded`;

const percent = (part: number, whole: number): string =>
  `${String(whole === 0 ? 100 : Math.floor((100 * part) / whole)).padStart(3)} %`;

/** `135 million`. */
export function formatCount(count: number): string {
  if (count < 1e6) return count.toLocaleString("en-US");
  const [value, unit] = count < 1e9 ? [count / 1e6, "million"] : [count / 1e9, "billion"];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

function plainProgress(out: Output): Progress {
  const tenths = new Map<string, number>();
  const print = ({ status, file }: HubProgress, text: string): void => {
    out.write(`${VERBS[status]} ${file}${text}\n`);
  };
  return {
    report(event) {
      if (!("file" in event) || event.status === "cached" || event.status === "verify") return;
      const { file, loaded, total, status } = event;
      if (status === "wait") return print(event, "");
      if (status === "done") return print(event, `, ${formatBytes(total)}`);
      const tenth = Math.floor((10 * loaded) / Math.max(total, 1));
      if (total < LARGE_FILE || tenth === tenths.get(file)) return;
      tenths.set(file, tenth);
      print(event, `, ${percent(loaded, total).trim()} of ${formatBytes(total)}`);
    },
    end: () => undefined,
  };
}
