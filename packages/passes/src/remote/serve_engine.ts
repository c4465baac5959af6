/** The end of the thread that has the engine. */
import { NodeTable, OPS, type OpName, parseModule, q8, type Value } from "@fusewire/ir";
import type { Engine, Executable, States, WeightSource, Weights } from "../engine/engine.ts";
import { toLowered } from "../engine/lowered.ts";
import { createPreparer } from "../engine/prepare.ts";
import { lower } from "../pipeline.ts";
import { createCalls, type Port } from "./port.ts";
import type { EngineCalls, Facts, HostCalls, ModuleText } from "./protocol.ts";

/** Makes the source of a model's weights in this thread, from plain data and from what the other one answers. */
export type OpenSource = (given: {
  readonly recipe: unknown;
  readonly ask: (request: unknown) => Promise<unknown>;
  readonly tell: (event: unknown) => void;
}) => Promise<WeightSource>;

/** Serves one engine, which `open` makes of what the other thread gives. */
export function serveEngine(
  port: Port,
  open: (given: unknown) => Promise<Engine>,
  openSource: OpenSource,
): void {
  let engine: Engine | undefined;
  const kept = new Map<number, Weights | States | Executable>();
  /** Why something was not made whose making nobody waited for. */
  const failed = new Map<number, unknown>();
  // Programs of one model share nodes, as they do where they are traced.
  const tables = new Map<number, NodeTable>();
  const preparers = new Map<number, ReturnType<typeof createPreparer>>();

  const own = (): Engine => {
    if (!engine) throw new Error("the engine has not been opened");
    return engine;
  };
  const find = <T extends Weights | States | Executable>(id: number): T => {
    if (failed.has(id)) throw failed.get(id);
    return kept.get(id) as T;
  };
  const factsOf = ({ held, notice }: Engine): Facts => ({ held: held(), notice });
  /** The call's result, told after what it has changed. */
  const withFacts = async <T>(result: Promise<T>): Promise<T> => {
    try {
      return await result;
    } finally {
      host.tell("facts", factsOf(own()));
    }
  };

  const calls: EngineCalls = {
    async open(given) {
      const opened = await open(given);
      engine = opened;
      host.tell("facts", factsOf(opened));
      const { name, attention, memory, runAhead } = opened;
      const claims = (Object.keys(OPS) as OpName[]).filter((op) => opened.claims(op, q8(32)));
      return { name, attention, memory, runAhead, claims };
    },
    async createWeights({ id, recipe }) {
      // Later calls find the weights at once: a source that is still being opened is waited for by who reads.
      const opening =
        recipe === undefined
          ? undefined
          : openSource({
              recipe,
              ask: (request) => host.call("ask", { weights: id, request }),
              tell: (event) => host.tell("hear", { weights: id, event }),
            });
      opening?.catch(() => undefined);
      const source: WeightSource = async (name) =>
        opening ? (await opening)(name) : host.call("weight", { weights: id, name });
      kept.set(id, own().createWeights(source));
      tables.set(id, new NodeTable());
      preparers.set(id, createPreparer(source, own().groupScales));
    },
    createStates({ id, decls }) {
      try {
        kept.set(id, own().createStates(decls));
      } catch (error) {
        failed.set(id, error);
      }
    },
    compile: ({ id, weights, module }) =>
      withFacts(
        (async () => {
          const lowered = lowerText(module, tables.get(weights)!, own());
          const executable = await own().compile(lowered, find<Weights>(weights));
          kept.set(id, executable);
          return { launches: executable.launches };
        })(),
      ),
    runTimes: ({ executable, states, inputs, times, until }) =>
      withFacts(own().runTimes(find(executable), find(states), inputs, times, until)),
    copyStates: ({ id, states, decls }) =>
      withFacts(
        own()
          .copyStates(find(states), decls)
          .then((copy) => void kept.set(id, copy)),
      ),
    readState: async ({ states, name }) => own().readState(find(states), name),
    async prepare({ weights, text }) {
      const node = parseModule(text, tables.get(weights)!).prepare.get("value")!;
      return preparers.get(weights)!(node);
    },
    dispose({ id }) {
      kept.get(id)?.dispose();
      kept.delete(id);
      failed.delete(id);
      tables.delete(id);
      preparers.delete(id);
      host.tell("facts", factsOf(own()));
    },
    async close() {
      await engine?.dispose();
    },
  };
  const host = createCalls<HostCalls, EngineCalls>(port, calls, (name, value) => {
    if (name === "readState") return buffersOf([value as Value]);
    if (name !== "runTimes") return [];
    const steps = value as Awaited<ReturnType<EngineCalls["runTimes"]>>;
    return buffersOf(steps.flatMap((outputs) => [...outputs.values()]));
  });
}

function lowerText({ text, how }: ModuleText, table: NodeTable, engine: Engine) {
  const module = parseModule(text, table);
  return "lowered" in how ? toLowered(module, how.lowered) : lower(module, engine, how.options);
}

/** Results are their receiver's, so that the buffers they fill can move. */
function buffersOf(values: readonly Value[]): ArrayBuffer[] {
  const buffers = values.flatMap(({ data: { buffer, byteLength } }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength > 0 ? [buffer] : [],
  );
  return [...new Set(buffers)];
}
