import type { ServedModel } from "../served_model.ts";
import { HttpError } from "./errors.ts";

/** An error where a body asks for another model than the one that is served. */
export function checkModel(body: unknown, served: ServedModel): void {
  const asked = (body as { readonly model?: unknown } | null)?.model;
  if (asked !== undefined && asked !== null) checkName(asked, served);
}

export function checkName(asked: unknown, { id }: ServedModel): void {
  if (asked === id) return;
  throw new HttpError({
    ...{ status: 404, param: "model", code: "model_not_found" },
    message: `the model '${String(asked)}' does not exist; this server has '${id}'`,
  });
}
