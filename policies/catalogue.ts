import type { Control } from "./controls/control.ts";
import { costControls } from "./controls/cost.ts";
import { dataCopyControls } from "./controls/data-copies.ts";
import { dataProtectionControls } from "./controls/data-protection.ts";
import { deliveryControls } from "./controls/delivery.ts";
import { documentationControls } from "./controls/documentation.ts";
import { entryControls } from "./controls/entry.ts";
import { governanceControls } from "./controls/governance.ts";
import { hardeningControls } from "./controls/hardening.ts";
import { logKeepingControls } from "./controls/log-keeping.ts";
import { loggingControls } from "./controls/logging.ts";
import { oversightControls } from "./controls/oversight.ts";
import { securityControls } from "./controls/security.ts";
import { sharedFilesControls } from "./controls/shared-files.ts";
import { spendingControls } from "./controls/spending.ts";
import { transparencyControls } from "./controls/transparency.ts";

/** Law texts the catalogue was written against. */
export const LEGAL_BASELINE =
  "Regulation (EU) 2024/1689 as amended by (EU) 2026/1744; Regulation (EU) 2016/679";

function inOrder(controls: readonly Control[]): Control[] {
  return controls.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Controls of the AI Act, the GDPR and the platform, by id. */
export const AI_ACT_CONTROLS: readonly Control[] = inOrder([
  ...governanceControls,
  ...documentationControls,
  ...loggingControls,
  ...logKeepingControls,
  ...oversightControls,
  ...deliveryControls,
  ...transparencyControls,
  ...dataProtectionControls,
  ...dataCopyControls,
  ...securityControls,
  ...hardeningControls,
  ...entryControls,
  ...sharedFilesControls,
]);

/** Controls of cost, by id. */
export const COST_CONTROLS: readonly Control[] = inOrder([...costControls, ...spendingControls]);

/** Every control, in the order of the report. */
export const CATALOGUE: readonly Control[] = [...AI_ACT_CONTROLS, ...COST_CONTROLS];

/** Controls that no exemption covers in high-risk production. */
export const NEVER_EXEMPT: ReadonlySet<string> = new Set([
  "AIA-GOV-01",
  "AIA-LOG-02",
  "AIA-LOG-04",
  "AIA-TRN-01",
  "AIA-DPR-01",
  "AIA-DPR-02",
  "COST-03",
]);
