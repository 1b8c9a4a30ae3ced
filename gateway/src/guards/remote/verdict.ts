/** Answer of a guard behind HTTP; everything that is not a clear pass is not a pass. */
export type RemoteVerdict =
  | { readonly kind: "pass"; readonly version: string }
  | { readonly kind: "block"; readonly version: string; readonly found: Readonly<Record<string, number>> }
  | { readonly kind: "error"; readonly reason: string };

/** What a guard is asked about. */
export interface RemoteQuestion {
  readonly side: "input" | "output";
  /** All texts of the body, one after the other. */
  readonly text: string;
}

/** What an adapter sends and how it reads the answer. */
export interface RemoteExchange {
  /** Path below the configured address. */
  readonly path: string;
  readonly body: unknown;
  /** Reads the answer's JSON. */
  readonly read: (answer: unknown) => RemoteVerdict;
}

/** An answer nobody can read; the caller blocks. */
export function unclear(reason: string): RemoteVerdict {
  return { kind: "error", reason };
}
