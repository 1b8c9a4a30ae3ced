import { budgetChecks } from "./budget.ts";
import { capacityChecks } from "./capacity.ts";
import type { Check } from "./check.ts";
import { cloudChecks } from "./cloud.ts";
import { deliveryChecks } from "./delivery.ts";
import { entryChecks } from "./entry.ts";
import { evaluationChecks } from "./evaluation.ts";
import { gatewayChecks } from "./gateway.ts";
import { governanceChecks } from "./governance.ts";
import { loopChecks } from "./loops.ts";
import { metricsChecks } from "./metrics.ts";
import { modelChecks } from "./models.ts";
import { promptChecks } from "./prompts.ts";
import { telemetryChecks } from "./telemetry.ts";
import { upgradeChecks } from "./upgrade.ts";

/** Every cross-field check, in the order their problems are printed. */
export const checks: readonly Check[] = [
  ...cloudChecks,
  ...capacityChecks,
  ...upgradeChecks,
  ...modelChecks,
  ...deliveryChecks,
  ...evaluationChecks,
  ...loopChecks,
  ...promptChecks,
  ...gatewayChecks,
  ...entryChecks,
  ...metricsChecks,
  ...telemetryChecks,
  ...governanceChecks,
  ...budgetChecks,
];
