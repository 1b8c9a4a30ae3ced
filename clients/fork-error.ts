/** A fork, a comparison or an upgrade cannot be carried out; the message names what and how to mend it. */
export class ForkError extends Error {
  override readonly name = "ForkError";
}
