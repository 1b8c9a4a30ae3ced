import { SECRET, UNKNOWN, type GraphValue } from "./values.ts";

/** Wire markers of the Pulumi engine (sdk/nodejs/runtime/rpc.ts in pulumi/pulumi). */
export const UNKNOWN_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e";

/** Value of the engine's wire format with unknowns and secrets as markers; the plain text of a secret is dropped. */
export function fromWire(value: unknown): GraphValue {
  if (value === UNKNOWN_WIRE) return UNKNOWN;
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean" || typeof value === "number" || typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(fromWire);
  const record = value as Record<string, unknown>;
  if (record[SIGNATURE_KEY] === SECRET_SIGNATURE) return SECRET;
  if (record[SIGNATURE_KEY] === RESOURCE_SIGNATURE) return { urn: fromWire(record["urn"]) };
  return Object.fromEntries(
    Object.entries(record)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, fromWire(item)]),
  );
}
