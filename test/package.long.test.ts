import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { basename, delimiter, dirname, join } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OPTIONS } from "../apps/browser/src/options.ts";
import { launchChromium } from "./support/chromium.ts";
import { type Installed, installPackages, NODES, type Runtime, workspace } from "./support/install.ts";
import { openStoryPage, readStory, servePage, startStory } from "./support/page.ts";
import { manifestOf } from "./support/registry.ts";
import { run, runBoth } from "./support/run.ts";
import { tell } from "./support/story.ts";

const PACKAGES = ["backend-tfjs", "backend-wasm", "generate", "ir", "models", "passes", "serve"].map(
  (name) => `@fusewire/${name}`,
);
/** Those whose types need nothing of the host; of `serve` the types of Hono need the library `dom`. */
const TYPED = PACKAGES.filter((name) => name !== "@fusewire/serve");
const [PROMPT, FOLDER] = ["The capital of France is", "path/to/SmolLM2-135M-Instruct"];
const TWENTY = { max_new_tokens: 20 };

let installed: Installed;
const inFolder = (...names: string[]) => join(installed.folder, ...names);
const write = (name: string, text: string) => writeFileSync(inFolder(name), text);

beforeAll(async () => {
  installed = await installPackages();
});

afterAll(() => installed?.dispose());

/** Runs a file of the user's folder with a runtime, and wants nothing on stderr. */
async function runFile(runtime: Runtime, file: string, ...args: string[]): Promise<string> {
  const flags = runtime === "Deno" ? ["run", "--allow-all"] : [];
  // A flag of the test's own process is not the user's.
  const env = { NODE_OPTIONS: "", FORCE_COLOR: "0", NO_COLOR: "1" };
  const options = { cwd: installed.folder, env };
  const { stdout, stderr } = await runBoth(installed.program(runtime), [...flags, file, ...args], options);
  expect(stderr, runtime).toBe("");
  return stdout;
}

/** The first code under a heading. */
const codeOf = (file: string, before: string): string =>
  /```ts\n(.*?)```/s.exec(readFileSync(join(workspace, file), "utf8").split(before)[1] ?? "")?.[1] ?? "";

describe.each([...NODES, "Deno", "Bun"] as const)("%s", (runtime) => {
  test("runs the ten lines of the README, and prints nothing else", async () => {
    const lines = codeOf("README.md", "## Ten lines");
    expect(lines).toContain(FOLDER);
    expect(lines).toContain(PROMPT);
    write(
      "ten.mjs",
      lines.replace(FOLDER, inFolder("node_modules", "@fusewire", "models", "assets", "tales")),
    );
    expect(await runFile(runtime, "ten.mjs")).toBe(await tell(PROMPT, TWENTY));
  });
});

describe.each(NODES)("%s", (runtime) => {
  test("is that version", async () => {
    const version = await run(installed.program(runtime), ["--version"], { cwd: installed.folder });
    expect(version).toMatch(new RegExp(`^v${runtime.slice(5)}\\.`));
  });

  test("runs the command", async () => {
    const PATH = [dirname(installed.program(runtime)), process.env.PATH].join(delimiter);
    const fusewire = (...args: string[]) =>
      run(inFolder("node_modules", ".bin", "fusewire"), args, { cwd: installed.folder, env: { PATH } });
    expect(await fusewire("--help")).toContain("Usage: fusewire");
    const flags = ["--prompt", PROMPT, "--max-new-tokens", "20", "--json"];
    const { texts } = JSON.parse(await fusewire("generate", ...flags));
    expect(texts).toEqual([await tell(PROMPT, TWENTY)]);
  });
});

test("an install for the CPU stays below 25 MB", () => {
  expect(installed.bytes).toBeLessThan(25e6);
});

test.each([
  [
    "eager:wasm",
    "needs TensorFlow.js, which is not installed: npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm",
  ],
  ["webgpu", "the npm package 'webgpu' is not installed (npm install webgpu)"],
])("device %s says what to install for it", async (device, message) => {
  write(
    "device.mjs",
    `import { AutoModelForCausalLM } from "fusewire";
     const folder = "node_modules/@fusewire/models/assets/tales";
     await AutoModelForCausalLM.from_pretrained(folder, { device: "${device}" }).catch((error) => console.log(error.message));`,
  );
  expect(await runFile("Node 24", "device.mjs")).toContain(message);
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
  const args = ["--import", "./loaded.mjs", command, "--help"];
  const loaded = await run(installed.program("Node 24"), args, { cwd: installed.folder });
  expect(loaded).toContain("/fusewire/dist/cli.js");
  expect(loaded).not.toMatch(/@tensorflow|webgpu|fusewire\/backend/);
});

describe("tarballs", () => {
  const listing = async (tarball: string) =>
    (await run("tar", ["-tzf", tarball], { cwd: workspace })).trim().split("\n");

  test("hold what they should, and no more", async () => {
    expect(installed.tarballs).toHaveLength(PACKAGES.length + 1);
    for (const tarball of installed.tarballs) {
      const files = await listing(tarball);
      const others = files.filter((file) => !/^package\/(dist|assets)\//.test(file)).sort();
      expect(others, tarball).toEqual(["package/LICENSE", "package/README.md", "package/package.json"]);
      expect(files.filter((file) => /\.test\.|\/testing\/|(?<!\.d)\.ts$/.test(file))).toEqual([]);
      expect(files).toContain("package/dist/index.d.ts");
      const limit = basename(tarball).startsWith("fusewire-models-") ? 7e6 : 250e3;
      expect(readFileSync(tarball).byteLength, tarball).toBeLessThan(limit);
    }
  });

  test("name only versions and files that there are", async () => {
    for (const tarball of installed.tarballs) {
      const manifest = await manifestOf(tarball);
      expect(JSON.stringify(manifest), tarball).not.toMatch(/workspace:|catalog:/);
      const files = await listing(tarball);
      const { exports, imports, bin } = manifest;
      const named = JSON.stringify({ exports, imports, bin }).match(/(?<=")\.\/[^"]*\.js(?=")/g) ?? [];
      expect(named.length, tarball).toBeGreaterThan(0);
      for (const name of named) expect(files, tarball).toContain(name.replace(".", "package"));
    }
  });

  test("are what npm would publish", async () => {
    for (const tarball of installed.tarballs) {
      const said = await run("npm", ["publish", "--dry-run", "--json", tarball], { cwd: installed.folder });
      expect(said, tarball).toContain((await manifestOf(tarball)).name);
    }
  });
});

test("the README that npm shows has the same ten lines", () => {
  expect(codeOf("packages/fusewire/README.md", "# fusewire")).toBe(codeOf("README.md", "## Ten lines"));
});

describe("types", () => {
  const USE = `
    import { AutoModelForCausalLM, AutoTokenizer, fetchFiles, streamText, type GenerationResult } from "fusewire";
    ${TYPED.map((name, k) => `import * as p${k} from "${name}";`).join("\n")}
    const model = await AutoModelForCausalLM.from_pretrained(fetchFiles("https://example.org/tales"), { device: "auto" });
    const tokenizer = await AutoTokenizer.from_pretrained("/tales");
    const result: GenerationResult = await model.generate(tokenizer(["Once"]), { max_new_tokens: 5 });
    for await (const text of streamText(model, tokenizer, "Once")) text satisfies string;
    // @ts-expect-error
    const wrong: string = result.sequences;
    export const all = [wrong, ${TYPED.map((_name, k) => `p${k}`)}];`;
  const COMPILERS = { "5.4": "ts54", "5.7": "ts57", "5.9": "ts59", "6": "ts6", "7": "ts7" };
  const RESOLUTIONS = {
    bundler: { module: "esnext", moduleResolution: "bundler" },
    node16: { module: "node16" },
    nodenext: { module: "nodenext" },
  };
  const LIBRARIES = {
    "the language alone": { lib: ["es2022"], types: [] },
    DOM: { lib: ["es2022", "dom"], types: [] },
    "Node's": { lib: ["es2022"], types: ["node"] },
  };

  beforeAll(async () => {
    const compilers = Object.entries(COMPILERS).map(
      ([version, alias]) => `${alias}@npm:typescript@${version}`,
    );
    await installed.add("@types/node@22", ...compilers);
    write("use.ts", USE);
  });

  const cases = Object.keys(COMPILERS).flatMap((compiler) =>
    Object.keys(RESOLUTIONS).flatMap((resolution) =>
      Object.keys(LIBRARIES).map((library) => [compiler, resolution, library]),
    ),
  ) as [keyof typeof COMPILERS, keyof typeof RESOLUTIONS, keyof typeof LIBRARIES][];

  test.each(cases)(
    "of TypeScript %s resolve with %s and types of %s",
    async (compiler, resolution, library) => {
      const compilerOptions = {
        ...RESOLUTIONS[resolution],
        ...LIBRARIES[library],
        target: "es2022",
        strict: true,
        noEmit: true,
        skipLibCheck: false,
      };
      write("types.json", JSON.stringify({ compilerOptions, files: ["use.ts"] }));
      const tsc = inFolder("node_modules", COMPILERS[compiler], "bin", "tsc");
      await run(process.execPath, [tsc, "-p", "types.json"], { cwd: installed.folder });
    },
  );
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
    await installed.add("@tensorflow/tfjs-core@4", "@tensorflow/tfjs-backend-wasm@4");
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
