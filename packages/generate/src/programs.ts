import { FusewireError, NodeTable } from "@fusewire/ir";
import {
  type AttentionKernel,
  compileModule,
  type Engine,
  type Executable,
  type LowerOptions,
  type RowClass,
  type Weights,
} from "@fusewire/passes";
import type { EntrySource } from "./entries/context.ts";
import { type EntryKey, entryFacts, entryName, traceEntry } from "./entries/index.ts";
import type { Compilation } from "./stats.ts";
import { createTurns } from "./turn.ts";

/** The programs of a loaded model: each is compiled when it is first needed, once for each way to attend. */
export interface Programs {
  compile(key: EntryKey, attention?: AttentionKernel): Promise<Executable>;
  /** Kernels that one run of the program starts; the program must have been compiled. */
  launches(key: EntryKey, attention?: AttentionKernel): number;
  /** Every compilation so far. */
  readonly compilations: readonly Compilation[];
  /** Those that no generation has reported yet, which are then reported. */
  takeCompilations(): readonly Compilation[];
  /** Whether compiling anything more is an error. */
  failOnRecompile(on: boolean): void;
  /** Frees all programs; what is needed again is compiled again, for this reason. */
  forget(reason: string): void;
}

export interface ProgramSource {
  readonly engine: Engine;
  readonly weights: Weights;
  readonly lowering: LowerOptions;
  readonly source: EntrySource;
}

/** Why a program is compiled again that went with a lost device: not a compilation that a warm-up could have saved. */
const RESTORED = "device restored";

type Facts = Readonly<Record<string, string | number>>;

export function createPrograms({ engine, weights, lowering, source }: ProgramSource): Programs {
  const table = new NodeTable();
  const executables = new Map<string, Promise<Executable>>();
  const compiled = new Map<string, Executable>();
  const compilations: Compilation[] = [];
  const before: { readonly kind: string; readonly facts: Facts }[] = [];
  /** Programs that were compiled before they were forgotten, and why they were. */
  const forgotten = new Map<string, string>();
  // Keys are used for many runs; their names are long.
  const names = new WeakMap<EntryKey, string>();
  const giveTurn = createTurns();
  let reported = 0;
  let closed = false;

  function nameOf(key: EntryKey, attention: AttentionKernel | undefined): string {
    const name = names.get(key) ?? entryName(key);
    names.set(key, name);
    return attention ? `${name} attention=${attention}` : name;
  }

  async function compileNow(key: EntryKey, attention: AttentionKernel | undefined): Promise<Executable> {
    const name = nameOf(key, attention);
    const { kind } = key;
    const facts = factsOf(key, attention);
    const reason = forgotten.get(name) ?? reasonFor({ kind, facts }, before);
    if (closed && reason !== RESTORED)
      throw new FusewireError(
        `failOnRecompile is set, and '${name}' would be compiled (${reason}); call model.warmup with these sizes first, or stay within them`,
      );
    const module = traceEntry(key, source, table);
    compilations.push({ entry: name, reason });
    before.push({ kind, facts });
    // Tracing alone takes as long as a page may wait.
    await giveTurn();
    const executable = await compileModule(engine, module, weights, {
      ...lowering,
      rows: rowsOf(key),
      ...(attention && { attention }),
    });
    compiled.set(name, executable);
    return executable;
  }

  return {
    compilations,
    takeCompilations() {
      const fresh = compilations.slice(reported);
      reported = compilations.length;
      return fresh;
    },
    compile(key, attention) {
      const name = nameOf(key, attention);
      const found = executables.get(name);
      const lost = compiled.get(name)?.lost ?? false;
      if (found && !lost) return found;
      if (lost) forgotten.set(name, RESTORED);
      compiled.delete(name);
      const started = compileNow(key, attention);
      executables.set(name, started);
      // A compilation that failed may be tried again: the next call must not find the failure.
      started.catch(() => executables.delete(name));
      return started;
    },
    launches: (key, attention) => compiled.get(nameOf(key, attention))?.launches ?? 0,
    failOnRecompile(on) {
      closed = on;
    },
    forget(reason) {
      for (const [name, executable] of compiled) {
        executable.dispose();
        forgotten.set(name, reason);
      }
      executables.clear();
      compiled.clear();
    },
  };
}

/** Chunks of a prompt are a class of work apart; the last token of a text is always decoded, verified or alone. */
const rowsOf = (key: EntryKey): RowClass =>
  key.kind === "prefill" || ((key.kind === "logits" || key.kind === "hidden") && key.length > 1)
    ? "chunk"
    : "few";

const factsOf = (key: EntryKey, attention: AttentionKernel | undefined): Facts => ({
  ...entryFacts(key),
  ...(attention && { attention }),
});

/** Why a program has to be compiled, in terms of the nearest one that is there. */
function reasonFor(
  { kind, facts }: { readonly kind: string; readonly facts: Facts },
  before: readonly { readonly kind: string; readonly facts: Facts }[],
): string {
  const differences = before
    .filter((other) => other.kind === kind)
    .map((other) =>
      [...new Set([...Object.keys(facts), ...Object.keys(other.facts)])]
        .filter((name) => other.facts[name] !== facts[name])
        .map((name) => `${name} ${other.facts[name] ?? "default"} -> ${facts[name] ?? "default"}`),
    )
    .sort((a, b) => a.length - b.length);
  return differences[0]?.join(", ") ?? `first ${kind}`;
}
