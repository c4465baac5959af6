/** What happens to one file; several events of a file follow each other. */
export interface FileProgress {
  /** Its name in the model. */
  readonly file: string;
  /** Bytes that are there. */
  readonly loaded: number;
  readonly total: number;
  /**
   * `cached`: found, nothing to do. `verify`: its bytes are hashed. `wait`: another process is downloading it.
   * `download`: bytes arrive. `done`: it was downloaded and has the hash that the hub states.
   */
  readonly status: "cached" | "verify" | "wait" | "download" | "done";
}
