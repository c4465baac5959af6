import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedModel } from "@fusewire/models/node";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { AutoModelForCausalLM, AutoTokenizer } from "../auto.ts";
import { main } from "../cli.ts";
import { brokenModel, withValues } from "../testing/broken.ts";
import { CTRL_C, type Script, script, testIo } from "../testing/run.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fusewire-chat-"));
});
afterAll(() => rm(root, { recursive: true }));

const BASE = ["tales-draft", "--device", "interpreter", "--temperature", "0", "--repetition-penalty", "1.2"];
const SHORT = [...BASE, "--max-new-tokens", "8"];

interface Options {
  readonly flags?: readonly string[];
  readonly interactive?: boolean;
  readonly columns?: number;
  readonly onText?: (text: string, lines: Script) => void;
}

async function chat(steps: readonly (string | typeof CTRL_C)[], options: Options = {}) {
  const { flags = SHORT, interactive = false, columns, onText } = options;
  const lines = script(steps, { interactive });
  const io = testIo({
    lines,
    ...(columns !== undefined && { columns }),
    onText: (text) => onText?.(text, lines),
  });
  const code = await main(["chat", ...flags], io);
  return { code, ...io.read(), prompts: lines.prompts };
}

/** The answer that the model gives to these messages when it is asked by hand. */
async function answerTo(messages: readonly { role: string; content: string }[]): Promise<string> {
  const folder = embeddedModel("tales-draft");
  const tokenizer = await AutoTokenizer.from_pretrained(folder);
  const model = await AutoModelForCausalLM.from_pretrained(folder, { device: "interpreter" });
  const inputs = tokenizer.apply_chat_template(messages, { add_generation_prompt: true });
  const { new_tokens } = await model.generate(inputs, { max_new_tokens: 8, repetition_penalty: 1.2 });
  await model.dispose();
  return tokenizer.decode(new_tokens[0]!, { skip_special_tokens: true });
}

test("answers each line of a pipe, and each answer knows what was said before", async () => {
  const { code, stdout, stderr, prompts } = await chat(["Tell me a story.", "", "And then?"], {
    flags: [...SHORT, "--system", "Be kind."],
  });
  const messages = [
    { role: "system", content: "Be kind." },
    { role: "user", content: "Tell me a story." },
  ];
  const first = await answerTo(messages);
  const second = await answerTo([
    ...messages,
    { role: "assistant", content: first },
    { role: "user", content: "And then?" },
  ]);
  expect(stdout).toBe(`${first}\n${second}\n`);
  expect(stderr).toBe("[cut at 8 tokens; --max-new-tokens sets the limit]\n".repeat(2));
  expect(prompts).toHaveLength(4);
  expect(code).toBe(0);
});

test("/reset forgets the turns and keeps the system message; /system replaces it", async () => {
  const ask = "Tell me a story.";
  const lines = ["/system Be kind.", ask, "/reset", ask, '/system ""', "/reset", ask, "/system"];
  const { stdout, stderr } = await chat(lines);
  const kind = await answerTo([
    { role: "system", content: "Be kind." },
    { role: "user", content: ask },
  ]);
  const plain = await answerTo([{ role: "user", content: ask }]);
  expect(stdout).toBe(`${kind}\n${kind}\n${plain}\n`);
  expect(stderr).toContain("no system message from now on");
  expect(stderr.trimEnd().split("\n").at(-1)).toBe("there is no system message");
});

test("/save and /load, also by --load, carry a conversation over", async () => {
  const file = join(root, "talk.json");
  const { stdout, code } = await chat(["Tell me a story.", `/save ${file}`, "More.", `/save ${file}`]);
  expect(code).toBe(0);
  const saved = JSON.parse(await readFile(file, "utf8")) as { messages: { role: string; content: string }[] };
  expect(saved.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
  expect(stdout).toBe(`${saved.messages[1]!.content}\n${saved.messages[3]!.content}\n`);
  const next = await answerTo([...saved.messages, { role: "user", content: "Why?" }]);
  expect((await chat([`/load ${file}`, "Why?"])).stdout).toBe(`${next}\n`);
  expect((await chat(["Why?"], { flags: [...SHORT, "--load", file] })).stdout).toBe(`${next}\n`);
  const again = await chat([`/save ${file}`]);
  expect(again.stderr).toContain("exists already; give another name");
  expect(again.code).toBe(1);
});

test("/stats tells what the last answer took and how full the model is", async () => {
  const { stderr } = await chat(["/stats", "Hi", "/stats"]);
  expect(stderr).toContain("there is no answer yet\n");
  expect(stderr).toMatch(
    /interpreter: \d+ prompt tokens and 8 new, first after .*\nsampling: the likeliest token, repetition_penalty 1.2\n.*2 messages, \d+ of 1024 tokens\n$/s,
  );
});

test.each(["dynamic", "static"])("a turn computes only what it adds, with a %s cache", async (kind) => {
  const lines = ["Tell me a story.", "/stats", "And then?", "/stats", "/reset", "Tell me a story.", "/stats"];
  const { code, stdout, stderr } = await chat(lines, { flags: [...SHORT, "--cache-implementation", kind] });
  expect(code).toBe(0);
  const [prompts, cached] = [/(\d+) prompt tokens/g, /prompt tokens(?:, (\d+) of them cached,)? and/g].map(
    (fact) => [...stderr.matchAll(fact)].map(([, count = "0"]) => Number(count)),
  ) as [number[], number[]];
  // All of the first turn but the token that was generated last, where the answer's text has the answer's tokens.
  expect(cached).toEqual([0, prompts[0]! + 8 - 1, 0]);
  expect(prompts[1]! - cached[1]!).toBeLessThan(prompts[1]! / 2);
  const answers = stdout.trimEnd().split("\n");
  expect(answers[2]).toBe(answers[0]);
});

test("a person at 40 columns: prompts, errors that end nothing, /exit", async () => {
  const { code, stdout, stderr } = await chat(["/help", "/nope", "/usr/bin is what?", "/exit", "never"], {
    interactive: true,
    columns: 40,
    flags: [...BASE, "--max-new-tokens", "60"],
  });
  // How far loading is may have been shown, and wiped away.
  expect(stderr === "" || stderr.endsWith("\r\u001b[K")).toBe(true);
  expect(stdout).toContain("'tales-draft' on interpreter; /help\nlists the commands, Ctrl+D leaves.\n");
  expect(stdout).toContain("/reset        forget the conversation\n");
  expect(stdout).toContain("error: there is no /nope; /help lists\nwhat there is\n");
  expect(stdout).toMatch(/\n\[cut at 60 tokens;.*\n\n$/s);
  expect(code).toBe(0);
});

test("Ctrl+C stops an answer, and the chat goes on with what was said", async () => {
  let interrupts = 0;
  const { code, stdout, prompts } = await chat(["Tell me a story.", "/stats", "/exit"], {
    interactive: true,
    flags: [...BASE, "--max-new-tokens", "400", "--eos-token-id", "[]"],
    onText: (text, lines) => {
      if (text.includes("Once") && interrupts++ === 0) lines.interrupt();
    },
  });
  expect(code).toBe(0);
  expect(stdout).toContain("[stopped]\n");
  expect(stdout).toContain("the answer was stopped\nsampling: the likeliest token");
  expect(prompts).toHaveLength(3);
});

test("Ctrl+C twice at a prompt leaves, once does not", async () => {
  const once = await chat([CTRL_C, "Hi", CTRL_C, CTRL_C, "never"], { interactive: true });
  expect(once.stdout.match(/Ctrl\+C again, or Ctrl\+D, leaves/g)).toHaveLength(2);
  expect(once.prompts).toHaveLength(4);
  expect(once.code).toBe(0);
});

test("Ctrl+C in a pipe ends the command with 130", async () => {
  const { code, stdout } = await chat(["Tell me a story.", "never"], {
    flags: [...BASE, "--max-new-tokens", "400", "--eos-token-id", "[]"],
    onText: (_, lines) => lines.interrupt(),
  });
  expect(code).toBe(130);
  expect(stdout).toMatch(/\S\n$/);
});

test("when the model is full the oldest turns are left out, and it says so", async () => {
  const flags = [...BASE, "--max-length", "80"];
  const lines = ["Tell me a story about a cat.", "Tell me a story about a dog.", "And a bird?"];
  const { code, stdout, stderr } = await chat(lines, { flags });
  expect(code).toBe(0);
  expect(stdout.trimEnd().split("\n").length).toBeGreaterThanOrEqual(3);
  expect(stderr).toContain("[cut: all 80 tokens that the model holds are used");
  expect(stderr).toContain("[the model holds 80 tokens: the oldest 2 messages left out; /reset starts anew]");
  const long = await chat(["word ".repeat(100)], { flags });
  expect(long.stderr).toMatch(
    /^error: the message takes \d+ tokens, and the model holds 80 with the answer; shorten it\n$/,
  );
  expect(long.code).toBe(1);
});

test("without a chat template it says what to do, and --chat-template helps", async () => {
  const untrained = await brokenModel("tokenizer_config.json", withValues({ chat_template: null }));
  onTestFinished(() => rm(untrained, { recursive: true }));
  const base = [untrained, "--device", "interpreter", "--max-new-tokens", "2"];
  const refused = await chat(["Hi"], { flags: base });
  expect(refused.stderr).toMatch(
    /has no chat template.*--chat-template FILE.*fusewire generate --prompt TEXT\n$/,
  );
  expect(refused.code).toBe(1);
  const template = join(root, "plain.jinja");
  await writeFile(template, "{% for m in messages %}{{ m.content }}\n{% endfor %}");
  const answered = await chat(["Hi"], { flags: [...base, "--chat-template", template] });
  expect(answered.stdout).not.toBe("");
  expect(answered.code).toBe(0);
});

test("a template that refuses a system message says so before the model loads", async () => {
  const template = join(root, "strict.jinja");
  await writeFile(
    template,
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{{ m.content }}{% endfor %}",
  );
  const flags = [...SHORT, "--chat-template", template];
  const { stderr, code, prompts } = await chat(["Hi"], { flags: [...flags, "--system", "Be kind."] });
  expect(stderr).toContain("System role not supported");
  expect({ code, prompts }).toEqual({ code: 1, prompts: [] });
  expect((await chat(["/system Be kind."], { flags })).stderr).toContain("System role not supported");
});

test.each([
  [["tales", "--model", "tales-draft"], "'tales' and --model 'tales-draft' are two models; give one"],
  [["nowhere"], "there is no model directory 'nowhere'"],
  [["tales", "more"], "too many arguments"],
  [["--load", "no.json"], "cannot read 'no.json' (ENOENT); check the name"],
  [["--chat-template", "no.jinja"], "--chat-template: cannot read 'no.jinja'"],
  [["--temperature", "0.5", "--do-sample", "false"], "'--temperature' has no effect while --do-sample is"],
])("%j is refused", async (flags, message) => {
  const { stderr, code } = await chat(["Hi"], { flags });
  expect(stderr).toContain(message);
  expect(stderr.match(/\n/g)).toHaveLength(1);
  expect(code).toBe(1);
});

test("samples by values that do not loop unless it is said otherwise, and tells so", async () => {
  const flags = ["tales-draft", "--device", "interpreter", "--max-new-tokens", "8"];
  const sampled = "sampling: sampled, temperature 0.7, top_p 0.9, repetition_penalty 1.1";
  expect((await chat(["/stats"], { flags })).stderr).toContain(sampled);
  const warm = await chat(["/stats"], { flags: [...flags, "--temperature", "0.5"] });
  expect(warm.stderr).toContain("sampled, temperature 0.5, top_p 0.9");
  const beams = await chat(["/stats"], { flags: [...flags, "--num-beams", "2"] });
  expect(beams.stderr).toContain("sampling: the likeliest token\n");
  const checkpoint = await brokenModel("generation_config.json", withValues({ do_sample: true, top_k: 7 }));
  onTestFinished(() => rm(checkpoint, { recursive: true }));
  const template = join(root, "bare.jinja");
  await writeFile(template, "{% for m in messages %}{{ m.content }}{% endfor %}");
  const own = [checkpoint, "--device", "interpreter", "--chat-template", template];
  expect((await chat(["/stats"], { flags: own })).stderr).toContain("sampling: sampled, top_k 7\n");
});

test("/set changes how the next answers are made", async () => {
  const lines = [
    "Hi",
    "/set max-new-tokens 3",
    "/set temperature 0.5",
    "/set",
    "/set temperature default",
    "/stats",
  ];
  const { stderr } = await chat([...lines, "Hi"], { flags: ["tales-draft", "--device", "interpreter"] });
  expect(stderr).toContain("max_new_tokens 3\ntemperature 0.5\n");
  expect(stderr).toMatch(/sampled, temperature 0.7, .*\[cut at 3 tokens;/s);
});

test("/retry answers again, /undo forgets, /history shows", async () => {
  const { stdout, stderr } = await chat(["Tell me a story.", "/retry", "/history", "/undo", "/history"]);
  const answer = await answerTo([{ role: "user", content: "Tell me a story." }]);
  expect(stdout).toBe(`${answer}\n${answer}\n`);
  expect(stderr).toContain("user: Tell me a story.\nassistant: ");
  expect(stderr).toMatch(/taken back: Tell me a story.\nnothing was said yet\n$/);
});

test("an answer is shown as it comes, though it has no spaces", async () => {
  const pieces: string[] = [];
  await chat(["Tell me a story.", "/exit"], {
    interactive: true,
    columns: 40,
    onText: (text) => pieces.push(text),
  });
  const answer = await answerTo([{ role: "user", content: "Tell me a story." }]);
  const shown = pieces.filter((piece) => answer.includes(piece) && piece.trim() !== "");
  expect(shown.length).toBeGreaterThan(4);
  expect(shown.join("")).toBe(answer);
});
