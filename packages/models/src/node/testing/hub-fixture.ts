import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultTransport, type Transport } from "../../hub/index.ts";
import type { FakeModel } from "./hub-server.ts";

export const COMMIT = "a".repeat(40);
export const OTHER_COMMIT = "b".repeat(40);

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes that no part of which looks like another. */
export function noise(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

export const WEIGHTS = noise(300_000);

/** The files of a small model, and some that no model needs. */
export const FILES: Readonly<Record<string, Uint8Array>> = {
  "config.json": utf8('{"model_type": "llama"}'),
  "tokenizer.json": utf8('{"model": {}}'),
  "model.safetensors": WEIGHTS,
  "pytorch_model.bin": noise(1000, 2),
  "README.md": utf8("# tiny"),
  "onnx/model.json": utf8("{}"),
  "additional_chat_templates/tool use.jinja": utf8("{{ 1 }}"),
  "empty.txt": utf8(""),
};

export const MODEL: FakeModel = {
  revisions: { main: COMMIT, "v1.0": OTHER_COMMIT, "refs/pr/3": OTHER_COMMIT },
  commits: {
    [COMMIT]: FILES,
    [OTHER_COMMIT]: { ...FILES, "config.json": utf8('{"model_type": "opt"}') },
  },
};

/** Impatient, so that tests of failures are quick. */
export const QUICK: Transport = { ...defaultTransport(), attempts: 3, delayMs: 1, timeoutMs: 200 };

/** A new empty folder, and its removal. */
export async function newFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "fusewire-hub-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
