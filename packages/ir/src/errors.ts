/**
 * An error a user can act on: the message names the thing that is wrong and the fix.
 * Programs print it without a stack trace; every other error is a defect of Fusewire.
 */
export class FusewireError extends Error {
  override readonly name = "FusewireError";
}
