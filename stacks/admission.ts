import type { ClusterHandle } from "../components/cluster/handle.ts";
import { AdmissionPolicies } from "../components/policy/admission.ts";
import { ADMISSION_RULES } from "../policies/admission-rules.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** Controls that the API server enforces on every write; development is only warned. */
export function admission(name: string, config: PlatformConfig, cluster: ClusterHandle): void {
  new AdmissionPolicies(
    `${name}-admission`,
    {
      rules: ADMISSION_RULES,
      onViolation: config.environment === "dev" ? "warn" : "deny",
      labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
    },
    { providers: { kubernetes: cluster.provider } },
  );
}
