import { valueAt, type GraphValue } from "../../graph/values.ts";
import { listed } from "./reading.ts";

/** Statements of an IAM policy in JSON; undefined where it cannot be read. */
export function statements(policy: GraphValue | undefined): readonly GraphValue[] | undefined {
  if (typeof policy !== "string") return undefined;
  try {
    return listed(valueAt(JSON.parse(policy) as GraphValue, "Statement"));
  } catch {
    return undefined;
  }
}

/** Whether statements refuse connections that are not encrypted. */
export function refusesPlainConnections(all: readonly GraphValue[]): boolean {
  return all.some(
    (statement) =>
      valueAt(statement, "Effect") === "Deny" &&
      JSON.stringify(valueAt(statement, "Condition") ?? {}).includes('"aws:SecureTransport":"false"'),
  );
}
