import { test } from "vitest";
import { createReferenceEngine } from "../engine/reference_engine.ts";
import { expectDisposedRefused } from "./disposal.ts";

test("of the interpreter, what was disposed is refused, and nothing else", () =>
  expectDisposedRefused(createReferenceEngine()));
