import { join } from "node:path";
import type { GatewayConfigInput } from "../config/schema.ts";

/** Audit settings that also keep the content of calls, below the directory the test has its audit log in. */
export function auditWithContent(config: GatewayConfigInput): GatewayConfigInput["audit"] {
  const root = join(config.audit.directory, "..");
  return {
    ...config.audit,
    content: {
      kind: "encrypted",
      objects: { kind: "directory", path: join(root, "content") },
      keys: { kind: "directory", path: join(root, "subject-keys") },
      masterKey: { from: "generated", path: join(root, "keys", "master") },
    },
  };
}
