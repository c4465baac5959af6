import type { GenerationOptions, GenerationStats } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { summarise } from "../text/summary.ts";
import { plural } from "../text/units.ts";
import { beforeLastTurn, type Conversation, type EncodeChat, systemOf, withSystem } from "./conversation.ts";
import { loadConversation, pathOf, saveConversation } from "./files.ts";
import type { AnswerSettings } from "./model.ts";
import { listOptions, setOption } from "./set.ts";

/** What a chat knows at one moment. */
export interface ChatState {
  readonly messages: Conversation;
  /** Of the last answer. */
  readonly last?: { readonly stats?: GenerationStats; readonly tokens: number };
  /** What was asked for by flags and /set. */
  readonly options?: GenerationOptions;
  /** Files that this chat saved or loaded, which it may write again. */
  readonly files: readonly string[];
}

/** What a command leads to. */
export interface Effect {
  readonly say?: string;
  readonly state?: ChatState;
  /** The model forgets what it keeps of the turns before. */
  readonly forget?: true;
  /** A message to answer next, as if it had been typed. */
  readonly ask?: string;
  readonly leave?: true;
}

export interface CommandContext {
  readonly state: ChatState;
  readonly encode: EncodeChat;
  /** How answers are made with these options; throws where they do not go together. */
  readonly settingsFor: (options: GenerationOptions) => AnswerSettings;
}

interface ChatCommand {
  readonly name: string;
  /** Other names that people bring from other programs. */
  readonly also?: readonly string[];
  readonly argument?: string;
  readonly help: string;
  readonly run: (argument: string, context: CommandContext) => Effect | Promise<Effect>;
}

const FILE = "FILE";

const COMMANDS: readonly ChatCommand[] = [
  { name: "help", also: ["?"], help: "what can be typed here", run: () => ({ say: helpText() }) },
  {
    name: "reset",
    also: ["clear"],
    help: "forget the conversation",
    run: (_, { state }) => ({
      state: { ...withoutLast(state), messages: withSystem([], systemOf(state.messages)) },
      forget: true,
      say: "forgotten",
    }),
  },
  {
    name: "system",
    argument: "TEXT",
    help: "set the system message",
    run: runSystem,
  },
  {
    name: "save",
    argument: FILE,
    help: "write the conversation",
    run: async (argument, { state }) => {
      const path = pathOf(required(argument, "/save FILE"));
      await saveConversation(path, state.messages, state.files.includes(path));
      return {
        state: { ...state, files: [...state.files, path] },
        say: `saved ${plural(state.messages.length, "message")} to ${path}`,
      };
    },
  },
  {
    name: "load",
    argument: FILE,
    help: "go on with a saved one",
    run: async (argument, { state }) => {
      const path = pathOf(required(argument, "/load FILE"));
      const messages = await loadConversation(path);
      return {
        state: { ...withoutLast(state), messages, files: [...state.files, path] },
        forget: true,
        say: `loaded ${plural(messages.length, "message")}`,
      };
    },
  },
  { name: "retry", help: "answer once more", run: (_, context) => takeBack(context, true) },
  { name: "undo", help: "take the last turn back", run: (_, context) => takeBack(context, false) },
  { name: "history", help: "show the conversation", run: runHistory },
  { name: "set", argument: "NAME X", help: "set an option of answers", run: runSet },
  { name: "stats", help: "what the last answer took", run: runStats },
  { name: "exit", also: ["quit", "bye"], help: "leave, as Ctrl+D does", run: () => ({ leave: true }) },
];

function runSystem(argument: string, { state, encode }: CommandContext): Effect {
  const before = systemOf(state.messages);
  if (argument === "")
    return {
      say:
        before === undefined ? "there is no system message" : `system: ${before}\n/system "" takes it away`,
    };
  const text = /^(["'])(.*)\1$/s.exec(argument)?.[2] ?? argument;
  const system = text === "" ? undefined : text;
  if (system !== undefined) checkSystem(encode, system);
  return {
    state: { ...state, messages: withSystem(state.messages, system) },
    say: system === undefined ? "no system message from now on" : "system message set",
  };
}

/** Some templates refuse system messages: found out before anything depends on it. */
export function checkSystem(encode: EncodeChat, system: string): void {
  encode([
    { role: "system", content: system },
    { role: "user", content: "?" },
  ]);
}

/** What is known apart from the last answer. */
const withoutLast = ({ last: _, ...state }: ChatState): ChatState => state;

function takeBack({ state }: CommandContext, again: boolean): Effect {
  const before = beforeLastTurn(state.messages);
  if (!before) throw new FusewireError("there is no turn to take back");
  const left = { ...withoutLast(state), messages: before.messages };
  return again ? { state: left, ask: before.text } : { state: left, say: `taken back: ${before.text}` };
}

function runHistory(_: string, { state }: CommandContext): Effect {
  const lines = state.messages.map(({ role, content }) => `${role}: ${content}`);
  return { say: lines.join("\n") || "nothing was said yet" };
}

function runSet(argument: string, { state, settingsFor }: CommandContext): Effect {
  const { options: before = {} } = state;
  if (argument === "") return { say: `${listOptions(before)}\n${settingsFor(before).sampling}` };
  const options = setOption(before, argument);
  return { state: { ...state, options }, say: settingsFor(options).sampling };
}

function runStats(_: string, { state, settingsFor }: CommandContext): Effect {
  const { last, messages, options = {} } = state;
  const { sampling, space } = settingsFor(options);
  const { context } = space;
  if (!last) return { say: `there is no answer yet\nsampling: ${sampling}` };
  const share = `${plural(messages.length, "message")}, ${last.tokens} of ${context} tokens`;
  return {
    say: `${last.stats ? summarise(last.stats) : "the answer was stopped"}\nsampling: ${sampling}\nconversation: ${share}`,
  };
}

function required(argument: string, usage: string): string {
  if (argument === "") throw new FusewireError(`name the file: ${usage}`);
  return argument;
}

function helpText(): string {
  const line = (left: string, right: string) => `${left.padEnd(14)}${right}`;
  return [
    ...COMMANDS.map(({ name, argument, help }) =>
      line(`/${name}${argument === undefined ? "" : ` ${argument}`}`, help),
    ),
    line("Ctrl+C", "stop; twice: leave"),
    line("\\ at the end", "the message goes on"),
    line('"""', "around several lines"),
  ].join("\n");
}

/** The names of all commands, for the Tab key. */
export const commandNames = (): readonly string[] => COMMANDS.map(({ name }) => name);

export const takesFile = (name: string): boolean =>
  COMMANDS.some((command) => command.name === name && command.argument === FILE);

/** The command that a line is, or undefined for a message. A path such as /usr/bin is a message. */
export function parseCommand(
  line: string,
): ((context: CommandContext) => Effect | Promise<Effect>) | undefined {
  const [, name, argument = ""] = /^\/([a-z]+|\?)(?:\s+(.*))?$/s.exec(line.trim()) ?? [];
  if (name === undefined) return undefined;
  const command = COMMANDS.find((one) => one.name === name || one.also?.includes(name));
  return (context) => {
    if (!command) throw new FusewireError(`there is no /${name}; /help lists what there is`);
    if (argument !== "" && command.argument === undefined)
      throw new FusewireError(`/${command.name} takes nothing after it`);
    return command.run(argument.trim(), context);
  };
}
