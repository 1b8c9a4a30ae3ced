import type { Control } from "./controls/control.ts";
import { costControls } from "./controls/cost.ts";
import { dataProtectionControls } from "./controls/data-protection.ts";
import { governanceControls } from "./controls/governance.ts";
import { loggingControls } from "./controls/logging.ts";
import { securityControls } from "./controls/security.ts";

/** Law texts the catalogue was written against. */
export const LEGAL_BASELINE =
  "Regulation (EU) 2024/1689 as amended by (EU) 2026/1744; Regulation (EU) 2016/679";

/** Every control, in the order of the report. */
export const CATALOGUE: readonly Control[] = [
  ...governanceControls,
  ...loggingControls,
  ...dataProtectionControls,
  ...securityControls,
  ...costControls,
];

/** Controls that no exemption covers in high-risk production. */
export const NEVER_EXEMPT: ReadonlySet<string> = new Set([
  "AIA-GOV-01",
  "AIA-LOG-02",
  "AIA-LOG-04",
  "AIA-DPR-01",
  "AIA-DPR-02",
  "COST-03",
]);
