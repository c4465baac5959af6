import { OPTIONS } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";

/** The flag of an option of generate(). */
export const flagOf = (option: string): string => `--${option.replaceAll("_", "-")}`;

/**
 * A message of the library in the words of the command: `do_sample: true` is `--do-sample`. Names without an underscore
 * are words of English as well, so they are told by their place: at the beginning, in quotes, or before a value.
 */
export function inFlags(message: string): string {
  const names = Object.keys(OPTIONS);
  const joined = names.filter((name) => name.includes("_")).join("|");
  const plain = names.filter((name) => !name.includes("_")).join("|");
  const places = [
    `\\b(?:${joined})\\b`,
    `(?<=^(?:generate(?:\\(\\))?: )?)(?:${plain})\\b(?!\\.)`,
    `(?<=')(?:${plain})(?=')`,
    `\\b(?:${plain})(?=: (?:true\\b|[\\d'"]))`,
  ];
  return message.replace(new RegExp(`(${places.join("|")})(?:: true\\b)?`, "g"), (_, name: string) =>
    flagOf(name),
  );
}

/** Runs what calls the library with options from flags; its errors then speak of flags. */
export async function speakingOfFlags<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof FusewireError)) throw error;
    throw new FusewireError(inFlags(error.message), { cause: error });
  }
}
