import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { basename, delimiter, join } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OPTIONS } from "../apps/browser/src/options.ts";
import { launchChromium } from "./support/chromium.ts";
import { type Installed, installPackages, NODES, type NodeVersion, workspace } from "./support/install.ts";
import { openStoryPage, readStory, servePage, startStory } from "./support/page.ts";
import { run } from "./support/run.ts";
import { tell } from "./support/story.ts";

const PACKAGES = ["backend-tfjs", "backend-wasm", "generate", "ir", "models", "passes"].map(
  (name) => `@fusewire/${name}`,
);
const [PROMPT, FOLDER] = ["The capital of France is", "path/to/SmolLM2-135M-Instruct"];

let installed: Installed;
const inFolder = (...names: string[]) => join(installed.folder, ...names);
const write = (name: string, text: string) => writeFileSync(inFolder(name), text);

beforeAll(async () => {
  installed = await installPackages();
});

afterAll(() => installed?.dispose());

/** Runs a file of the user's folder, or an installed command, with a version of Node first in the path. */
const withNode = (version: NodeVersion, program: string, ...args: string[]) => {
  const PATH = [installed.nodeFolder(version), process.env.PATH].join(delimiter);
  return run(program, args, { cwd: installed.folder, env: { PATH } });
};

/** The first code under a heading. */
const codeOf = (file: string, before: string): string =>
  /```ts\n(.*?)```/s.exec(readFileSync(join(workspace, file), "utf8").split(before)[1] ?? "")?.[1] ?? "";

describe.each(NODES)("Node %s", (version) => {
  test("is that version", async () => {
    expect(await withNode(version, "node", "--version")).toMatch(new RegExp(`^v${version}\\.`));
  });

  test("runs the ten lines of the README", async () => {
    const lines = codeOf("README.md", "## Ten lines");
    expect(lines).toContain(FOLDER);
    expect(lines).toContain(PROMPT);
    write(
      "ten.mjs",
      lines.replace(FOLDER, inFolder("node_modules", "@fusewire", "models", "assets", "tales")),
    );
    expect(await withNode(version, "node", "ten.mjs")).toBe(await tell(PROMPT, { max_new_tokens: 20 }));
  });

  test("runs the command", async () => {
    const fusewire = inFolder("node_modules", ".bin", "fusewire");
    expect(await withNode(version, fusewire, "--help")).toContain("Usage: fusewire");
    const flags = ["--prompt", PROMPT, "--max-new-tokens", "20", "--json"];
    const { texts } = JSON.parse(await withNode(version, fusewire, "generate", ...flags));
    expect(texts).toEqual([await tell(PROMPT, { max_new_tokens: 20 })]);
  });
});

test("`fusewire --help` loads no engine", async () => {
  write(
    "loaded.mjs",
    `import { registerHooks } from "node:module";
     const urls = [];
     registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
     process.on("exit", () => console.log(urls.join("\\n")));`,
  );
  const command = inFolder("node_modules", "fusewire", "dist", "bin", "fusewire.js");
  const loaded = await withNode("24", "node", "--import", "./loaded.mjs", command, "--help");
  expect(loaded).toContain("/fusewire/dist/cli.js");
  expect(loaded).not.toMatch(/@tensorflow|webgpu|fusewire\/backend/);
});

test("tarballs hold what they should, and no more", async () => {
  expect(installed.tarballs).toHaveLength(PACKAGES.length + 1);
  for (const tarball of installed.tarballs) {
    const files = (await run("tar", ["-tzf", tarball], { cwd: workspace })).trim().split("\n");
    const others = files.filter((file) => !/^package\/(dist|assets)\//.test(file)).sort();
    expect(others, tarball).toEqual(["package/LICENSE", "package/README.md", "package/package.json"]);
    expect(files.filter((file) => /\.test\.|\/testing\/|(?<!\.d)\.ts$/.test(file))).toEqual([]);
    expect(files).toContain("package/dist/index.d.ts");
    const limit = basename(tarball).startsWith("fusewire-models-") ? 7e6 : 250e3;
    expect(readFileSync(tarball).byteLength, tarball).toBeLessThan(limit);
  }
});

test("the README that npm shows has the same ten lines", () => {
  expect(codeOf("packages/fusewire/README.md", "# fusewire")).toBe(codeOf("README.md", "## Ten lines"));
});

describe("types", () => {
  const USE = `
    import { AutoModelForCausalLM, AutoTokenizer, fetchFiles, streamText, type GenerationResult } from "fusewire";
    ${PACKAGES.map((name, k) => `import * as p${k} from "${name}";`).join("\n")}
    const model = await AutoModelForCausalLM.from_pretrained(fetchFiles("https://example.org/tales"), { device: "auto" });
    const tokenizer = await AutoTokenizer.from_pretrained("/tales");
    const result: GenerationResult = await model.generate(tokenizer(["Once"]), { max_new_tokens: 5 });
    for await (const text of streamText(model, tokenizer, "Once")) text satisfies string;
    // @ts-expect-error
    const wrong: string = result.sequences;
    export const all = [wrong, ${PACKAGES.map((_name, k) => `p${k}`)}];`;

  test.each([
    ["nodenext", { module: "nodenext" }],
    ["bundler", { module: "preserve", moduleResolution: "bundler" }],
  ])("resolve with %s", async (name, options) => {
    write(`${name}.ts`, USE);
    const compilerOptions = {
      ...options,
      target: "es2022",
      strict: true,
      noEmit: true,
      types: [],
      skipLibCheck: false,
    };
    write(`${name}.json`, JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
    await run(join(workspace, "node_modules", ".bin", "tsc"), ["-p", inFolder(`${name}.json`)], {
      cwd: workspace,
    });
  });
});

describe("bundlers", () => {
  test("find nothing of Node behind any name that pages may import", async () => {
    const names = [...PACKAGES, "fusewire"];
    write("all.js", names.map((name, k) => `export * as p${k} from "${name}";`).join("\n"));
    const ofNode: string[] = [];
    let seen = 0;
    await build({
      root: installed.folder,
      configFile: false,
      logLevel: "error",
      build: { write: false, lib: { entry: "all.js", formats: ["es"] } },
      plugins: [
        {
          name: "note-node",
          enforce: "pre",
          resolveId(source, importer = "") {
            if (!/node_modules[/\\](@fusewire|fusewire)[/\\]/.test(importer)) return;
            seen++;
            if (source.startsWith("node:") || builtinModules.includes(source))
              ofNode.push(`${source} in ${importer}`);
          },
        },
      ],
    });
    expect(ofNode).toEqual([]);
    expect(seen).toBeGreaterThan(100);
  });

  test("build a page that tells a story in Chromium", async () => {
    for (const name of ["index.html", "src", "vite.config.ts"])
      cpSync(join(workspace, "apps", "browser", name), inFolder(name), { recursive: true });
    const site = await servePage(installed.folder);
    const chromium = await launchChromium();
    try {
      const page = await chromium.browser.newPage();
      const problems = await openStoryPage(page, site.address, "auto");
      await startStory(page);
      const { prompt, story } = await readStory(page);
      expect(story).toBe(await tell(prompt, OPTIONS));
      expect(problems).toEqual([]);
    } finally {
      await chromium.close();
      await site.close();
    }
  });
});
