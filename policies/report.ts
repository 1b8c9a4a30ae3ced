/** How a finding blocks: `mandatory` stops preview and CI, `advisory` is shown. */
export type EnforcementLevel = "mandatory" | "advisory";

/** An accepted deviation that covers a finding until it expires. */
export interface AppliedExemption {
  readonly id: string;
  readonly reason: string;
  readonly approvedBy: string;
  readonly ticket: string;
  /** ISO date after which the finding counts again. */
  readonly expires: string;
}

/** One thing a control found wrong (`fail`) or could not determine (`unknown`) about one resource. */
export interface Finding {
  /** Control id, for example `AIA-LOG-02`. */
  readonly control: string;
  readonly status: "fail" | "unknown";
  readonly level: EnforcementLevel;
  /** URN, manifest id (`apps/v1/Deployment/ns/name`) or `stack` for what is absent. */
  readonly resource: string;
  /** Input path, for example `rule.defaultRetention.days`; absent when the whole resource is meant. */
  readonly property?: string;
  /** What was seen, without secrets or prompt text. */
  readonly observed: string;
  /** What was expected. */
  readonly expected: string;
  /** One sentence that names resource, value and rule. */
  readonly message: string;
  /** What to change. */
  readonly remediation: string;
  /** Set when an active exemption covers this finding; it is then reported, never hidden. */
  readonly exemption?: AppliedExemption;
}

/** What cannot be proven from infrastructure: a person declares it, with a date it runs out. */
export interface Attestation {
  readonly control: string;
  /** What it is about. */
  readonly subject: string;
  readonly owner: string;
  readonly statement: string;
  /** Where the document, report or record is. */
  readonly reference: string;
  /** ISO date. */
  readonly date: string;
  /** ISO date. */
  readonly expires: string;
}

/** Outcome of one control on one graph. */
export interface ControlResult {
  readonly control: string;
  readonly title: string;
  readonly severity: "critical" | "high" | "medium" | "low";
  /**
   * `pass`: checked on at least one resource and nothing found; `attested`: declared by a person, not verified;
   * `exempt`: only exempted findings are left; `not-applicable`: `reason` says why.
   */
  readonly status: "pass" | "fail" | "unknown" | "exempt" | "attested" | "not-applicable";
  readonly level: EnforcementLevel;
  /** Article and paragraph the control serves, for example `AI Act Art. 12(1)`. */
  readonly legal: readonly string[];
  /** ISO date from which the law applies; the control may run earlier. */
  readonly appliesFrom: string;
  /** Resources the control looked at. */
  readonly checked: readonly string[];
  readonly findings: readonly Finding[];
  /** Declarations the result rests on; declared, not verified. */
  readonly attestations: readonly Attestation[];
  /** Why the control does not apply, or what it cannot see. */
  readonly reason?: string;
}

/** Everything that was checked on one stack, with what was not and why; it never says "compliant". */
export interface PolicyReport {
  readonly project: string;
  readonly stack: string;
  /** ISO time the controls were evaluated at; injected, never read from the clock inside a control. */
  readonly asOf: string;
  /** Law texts the catalogue was written against. */
  readonly legalBaseline: string;
  readonly riskClass: string;
  readonly environment: string;
  readonly results: readonly ControlResult[];
  /** Findings about exemptions and attestations themselves: expired, unused, for controls that do not exist. */
  readonly exemptionFindings: readonly Finding[];
}

/** Findings that stop a deployment: mandatory, not exempted; unknown counts as failed. */
export function blocking(report: PolicyReport): Finding[] {
  return [...report.results.flatMap(({ findings }) => findings), ...report.exemptionFindings].filter(
    ({ level, exemption }) => level === "mandatory" && exemption === undefined,
  );
}
