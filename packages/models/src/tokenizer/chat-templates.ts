import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, kindOf, type ModelFiles, readText } from "../files/index.ts";

/** Chat templates by name. A single one is called "default". */
export type ChatTemplates = Readonly<Record<string, string>>;

const DEFAULT = "default";
const FILE = "chat_template.jinja";
const FOLDER = "additional_chat_templates";

/** Templates that are files of their own, as transformers v5 writes them; else those of tokenizer_config.json. */
export async function readChatTemplates(files: ModelFiles, config: JsonObject): Promise<ChatTemplates> {
  const templates: Record<string, string> = {};
  const main = await readText(files, FILE);
  if (main !== undefined) templates[DEFAULT] = main;
  for (const name of (await files.list?.(FOLDER)) ?? []) {
    if (!name.endsWith(".jinja")) continue;
    const text = await readText(files, `${FOLDER}/${name}`);
    if (text !== undefined) templates[name.slice(0, -".jinja".length)] = text;
  }
  return Object.keys(templates).length > 0 ? templates : templatesOf(config);
}

function templatesOf(config: JsonObject): ChatTemplates {
  const value = config.chat_template ?? [];
  if (typeof value === "string") return { [DEFAULT]: value };
  if (!Array.isArray(value))
    throw new FusewireError(
      `'chat_template' of tokenizer_config.json is ${kindOf(value)}, expected a template or a list of named templates; correct it`,
    );
  return Object.fromEntries(
    value.map((entry): [string, string] => {
      if (isJsonObject(entry) && typeof entry.name === "string" && typeof entry.template === "string")
        return [entry.name, entry.template];
      throw new FusewireError(
        "'chat_template' of tokenizer_config.json has an entry that is not an object with 'name' and 'template'; correct it",
      );
    }),
  );
}

/** The template that a call means: `wanted` is the name of one, or a template. */
export function chooseTemplate(
  templates: ChatTemplates,
  wanted: string | undefined,
  hasTools: boolean,
): string {
  const names = Object.keys(templates);
  const named = (name: string): string | undefined =>
    Object.hasOwn(templates, name) ? templates[name] : undefined;
  if (wanted !== undefined) {
    const found = named(wanted);
    // Any text is a template; one without a tag, where templates have names, is a name that is wrong.
    if (found === undefined && names.length > 1 && !wanted.includes("{"))
      throw new FusewireError(
        `'${wanted}' is no chat template, nor the name of one; the tokenizer has ${names.join(", ")}`,
      );
    return found ?? wanted;
  }
  const found = (hasTools ? named("tool_use") : undefined) ?? named(DEFAULT);
  if (found !== undefined) return found;
  throw new FusewireError(
    names.length === 0
      ? `the tokenizer has no chat template, which base models lack; pass one as chat_template, or add ${FILE} to the model's files`
      : `the tokenizer has several chat templates and no default; name one as chat_template: ${names.join(", ")}`,
  );
}
