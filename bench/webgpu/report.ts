import { cpus } from "node:os";
import type { OpenDevice } from "@fusewire/backend-tfjs";

export type Figures = Readonly<Record<string, number | string>>;

/** What a bench found. */
export interface Report {
  readonly bench: string;
  /** What the plot shows of each contestant: a figure's name, and its title with unit. */
  readonly shown: readonly [figure: string, title: string];
  readonly about: Figures;
  /** Figures by contestant. */
  readonly contestants: Readonly<Record<string, Figures>>;
}

/** The machine and the device that figures are from. */
export const machine = ({ facts }: OpenDevice, dawn = ""): Figures => ({
  device: dawn || facts.description || `${facts.vendor} ${facts.architecture}`,
  device_is: dawn
    ? "a backend that computes nothing"
    : facts.software
      ? "a software adapter: never ran on a GPU, speeds say nothing of one"
      : "a GPU",
  processor: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}`,
  node: process.versions.node,
});
