import { createHash } from "node:crypto";

/** Name of an object by its content: an earlier version of the pods still reads the earlier object. */
export function versioned(name: string, content: string): string {
  return `${name}-${createHash("sha256").update(content).digest("hex").slice(0, 10)}`;
}

/** Options of an object whose name carries its content: it outlives the version that made it, and ends with its namespace. */
export const KEPT_FOR_EARLIER_PODS = { retainOnDelete: true } as const;
